package user

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/services/auth"
	"weir/services/backing/bus"
	"weir/services/backing/bus/bustest"
	"weir/services/backing/bus/membus"
	"weir/services/backing/bus/rabbitbus"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/redis"
	"weir/services/event"
	"weir/services/httpd"
	"weir/services/run"
	"weir/services/seal"
)

// childVariable makes this test's program a user-service, which its parent kills.
const childVariable = "WEIR_TEST_USER_CHILD"

// childConfig is what the variable holds, as JSON.
type childConfig struct {
	DB     db.Config
	AMQP   string // empty: the bus in the process
	Prefix string
	Key    []byte
}

// witness is the group that writes down each event that it takes into effect.
const witness = "witness"

// child serves the API on a port that it prints, carries the events, and ends by
// being killed, or when its parent has ended.
func child(text string) (err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		cancel(err)
	}()
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	d, err := db.Open(ctx, c.DB)
	if err != nil {
		return err
	}
	defer d.Close()
	box, err := seal.New(c.Key)
	if err != nil {
		return err
	}
	cache, err := redis.Open(ctx, redis.Config{})
	if err != nil {
		return err
	}
	defer cache.Close()
	many := Rate{1_000_000, time.Minute}
	s, err := Open(ctx, Config{DB: d, Box: box, Redis: cache, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Limits: Limits{many, many, many, many, many, many, many, many, many}})
	if err != nil {
		return err
	}
	s.hasher.cost = hashCost{memory: 64, passes: 1, threads: 1}
	s.hasher.dummy.cost = s.hasher.cost
	b, err := childBus(c, d)
	if err != nil {
		return err
	}
	verifier, err := auth.New(auth.Config{Keys: s.Keys(), Redis: cache, Issuer: "weir", Audience: "weir"})
	if err != nil {
		return err
	}
	h := httpd.New(httpd.Config{Service: "user", Verifier: verifier})
	s.Routes(h, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return run.Stages(ctx, []run.Service{stage(b.Run)}, []run.Service{stage(s.Run)}, []run.Service{stage(verifier.Run)},
		[]run.Service{stage(func(ctx context.Context) error { return h.Serve(ctx, l) })})
}

// stage is a function as a service.
type stage func(context.Context) error

func (s stage) Name() string                  { return "part of a child" }
func (s stage) Run(ctx context.Context) error { return s(ctx) }

func childBus(c childConfig, d *db.DB) (bus.Bus, error) {
	conf := bus.Config{DB: d, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), DeliveryLimit: 10_000, Poll: 5 * time.Millisecond, Lease: 200 * time.Millisecond, Subscriptions: []bus.Subscription{{
		Group: witness, Types: []string{"user.*"}, Handle: func(ctx context.Context, q db.Q, e event.Event) error {
			_, err := q.Exec(ctx, `INSERT INTO witnessed (event_id, type, user_id) VALUES ($1,$2,$3)`, e.ID, e.Type, e.Subject)
			return err
		},
	}}}
	if c.AMQP == "" {
		return membus.New(conf)
	}
	return rabbitbus.New(rabbitbus.Config{Config: conf, URL: c.AMQP, Prefix: c.Prefix, Reconnect: bus.Backoff{First: 10 * time.Millisecond, Max: 200 * time.Millisecond, Factor: 2}})
}

// victim is a child that runs.
type victim struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	web    string        // empty: it was killed before it listened
	ready  chan struct{} // closed when web is known, or will never be
}

func startVictim(t *testing.T, c childConfig) *victim {
	t.Helper()
	text, err := json.Marshal(c)
	ok(t, err)
	v := &victim{cmd: exec.Command(os.Args[0]), ready: make(chan struct{})}
	v.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	v.cmd.Stderr = &v.stderr
	v.stdin, err = v.cmd.StdinPipe()
	ok(t, err)
	out, err := v.cmd.StdoutPipe()
	ok(t, err)
	ok(t, v.cmd.Start())
	go func() {
		defer close(v.ready)
		line, err := bufio.NewReader(out).ReadString('\n')
		if err == nil {
			v.web = "http://" + line[:len(line)-1]
		}
	}()
	return v
}

// kill ends it by SIGKILL.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	ok(t, v.cmd.Process.Kill())
	<-v.ready
	v.cmd.Wait() // it was killed: an error, of course
	v.stdin.Close()
}

// newcomers registers accounts until done, and remembers which were answered 201.
type newcomers struct {
	client http.Client
	asked  atomic.Int64
	mu     sync.Mutex
	known  []string
	wrong  []string
}

func (c *newcomers) post(web, path string, body map[string]string) (int, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	res, err := c.client.Post(web+"/api/v1/auth/"+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// register adds accounts until the service is gone.
func (c *newcomers) register(web string) {
	for {
		name := fmt.Sprintf("crowd%d", c.asked.Add(1))
		status, err := c.post(web, "register", map[string]string{"username": name, "email": name + "@example.org", "password": goodPassword})
		c.mu.Lock()
		if status == http.StatusCreated { // even when the rest of the answer is missing
			c.known = append(c.known, name)
		} else if err == nil {
			c.wrong = append(c.wrong, fmt.Sprintf("%s: %d", name, status))
		}
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// kills ends a user-service that many times in the middle of sign-ups: no account is
// half there, and each is told of once.
func kills(t *testing.T, times int) {
	dbtest.EachConfig(t, func(t *testing.T, conf db.Config) {
		d := dbtest.Open(t, conf)
		migrate(t, d)
		ok(t, second(d.Exec(t.Context(), `CREATE TABLE witnessed (event_id TEXT NOT NULL, type TEXT NOT NULL, user_id TEXT NOT NULL)`)))
		c := childConfig{DB: conf, Key: seal.NewKey()}
		if c.AMQP = os.Getenv(bustest.Variable); c.AMQP != "" && d.Postgres() {
			c.Prefix = bustest.Namespace(t, c.AMQP, witness)
		} else {
			c.AMQP = ""
		}
		people := &newcomers{client: http.Client{Timeout: time.Minute}}
		t.Cleanup(people.client.CloseIdleConnections)
		early := 0
		for n := range times {
			if !people.disturb(t, startVictim(t, c), n%5 == 4) {
				early++
			}
			people.client.CloseIdleConnections()
		}
		last := startVictim(t, c)
		defer func() {
			last.kill(t)
			if t.Failed() {
				t.Log(last.stderr.String())
				for _, table := range []string{"users", "outbox", "deliveries", "inbox", "witnessed"} {
					t.Logf("%s: %d rows", table, number(t, d, "SELECT count(*) FROM "+table))
				}
			}
		}()
		<-last.ready
		all := number(t, d, `SELECT count(*) FROM users`)
		bustest.Until(t, "all events have come", func() bool {
			return number(t, d, `SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM deliveries)`) == 0 && number(t, d, `SELECT count(*) FROM witnessed`) >= 2*all
		})
		people.check(t, last.web)
		whole(t, d, all)
		t.Logf("killed %d times, %d of them before it listened; %d sign-ups asked for, %d answered, %d accounts", times, early, people.asked.Load(), len(people.known), all)
	})
}

// disturb kills v at some time: in its start, or after some sign-ups.
func (c *newcomers) disturb(t *testing.T, v *victim, early bool) (listened bool) {
	t.Helper()
	if early {
		select {
		case <-v.ready:
		case <-time.After(rand.N(200 * time.Millisecond)):
		}
		v.kill(t)
		return v.web != ""
	}
	<-v.ready
	if v.web == "" {
		v.kill(t)
		t.Fatalf("it does not start: %s", v.stderr.String())
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { c.register(v.web) })
	}
	aim := c.asked.Load() + 4 + rand.Int64N(60)
	bustest.Until(t, "some more ask", func() bool { return c.asked.Load() >= aim })
	v.kill(t)
	wait.Wait()
	return true
}

// check signs in as all who were told that they have an account.
func (c *newcomers) check(t *testing.T, web string) {
	t.Helper()
	if len(c.known) == 0 || len(c.wrong) > 0 {
		t.Errorf("%d accounts; refused: %.2000v", len(c.known), c.wrong)
	}
	for _, name := range c.known {
		if status, err := c.post(web, "sign-in", map[string]string{"login": name, "password": goodPassword}); err != nil || status != http.StatusOK {
			t.Fatalf("%s cannot sign in: %d %v", name, status, err)
		}
	}
}

// whole holds that each account has all of its rows, that no rows are of nobody, and
// that each event was taken into effect once.
func whole(t *testing.T, d *db.DB, accounts int64) {
	t.Helper()
	const per = ` JOIN users u ON u.id = x.user_id`
	for what, sql := range map[string]string{
		"names":             `SELECT count(*) FROM user_names x` + per,
		"all names":         `SELECT count(*) FROM user_names`,
		"counts":            `SELECT count(*) FROM user_counts x` + per,
		"all counts":        `SELECT count(*) FROM user_counts`,
		"audit rows":        `SELECT count(*) FROM user_security_events x` + per + ` WHERE x.kind = 'registered'`,
		"all audit rows":    `SELECT count(*) FROM user_security_events WHERE kind = 'registered'`,
		"tokens of mails":   `SELECT count(*) FROM user_mail_tokens x` + per,
		"all of them":       `SELECT count(*) FROM user_mail_tokens`,
		"events, told once": `SELECT count(*) FROM (SELECT user_id FROM witnessed WHERE type = 'user.registered.v1' GROUP BY user_id HAVING count(*) = 1) x`,
		"mails, asked once": `SELECT count(*) FROM (SELECT user_id FROM witnessed WHERE type = 'user.email_verification_requested.v1' GROUP BY user_id HAVING count(*) = 1) x`,
		"half of the events": `SELECT count(*)/2 FROM witnessed x JOIN (SELECT DISTINCT event_id FROM witnessed) e ON e.event_id = x.event_id
  WHERE x.type IN ('user.registered.v1', 'user.email_verification_requested.v1')`,
	} {
		if n := number(t, d, sql); n != accounts {
			t.Errorf("%s: %d for %d accounts", what, n, accounts)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM inbox WHERE event IS NOT NULL`); n != 0 {
		t.Errorf("%d dead events", n)
	}
}

func number(t *testing.T, d *db.DB, sql string) (n int64) {
	t.Helper()
	err := d.QueryRow(t.Context(), sql).Scan(&n)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return n
}

func TestKilledInSignUp(t *testing.T) { kills(t, 10) }
