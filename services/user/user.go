package user

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/blob"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/backing/redis"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/seal"
	"weir/services/user/oidc"
)

// Lives of what is given out.
const (
	AccessLife  = 10 * time.Minute     // an access token
	RefreshLife = 30 * 24 * time.Hour  // a refresh token that nobody uses
	SessionLife = 365 * 24 * time.Hour // a session, however often it is refreshed
	VerifyLife  = 24 * time.Hour       // a link that proves a mail address
	ResetLife   = 30 * time.Minute     // a link to a new password
	// RefreshGrace is how long the token before the present one is still answered: two
	// tabs, or a client that never got the answer. See Refresh.
	RefreshGrace = 10 * time.Second

	maxSessions = 50              // of a user; a new sign-in ends the oldest
	source      = "/weir/user"    // of events
	hashQueue   = 32              // sign-ins that wait for a hash
	hashWait    = 3 * time.Second // for so long
	resetPace   = 250 * time.Millisecond
)

// Config says what a Service works with.
type Config struct {
	DB    *db.DB        // migrated with Migrations and with outbox.Set
	Box   *seal.Box     // seals signing keys and second factors; the same key in all processes that share DB
	Redis *redis.Client // limits, and what other services have to know of ended sessions; nil: only what an operator does works, and Run of another process tells Redis

	// Issuer and Audience are written into access tokens and have to be the same in all
	// processes of an installation; empty: "weir" and "weir".
	Issuer, Audience string
	// PublicURL is where people reach weir, such as https://video.example.org: links in
	// mails lead there. Empty: http://localhost:8080.
	PublicURL string
	// LogLinks writes the links of mails to the log, at level warn. For development,
	// where nobody sends mails: who reads the log can take over any account.
	LogLinks bool

	// Providers are where people can sign in beside here, in the order in which they are
	// offered; names and issuers differ.
	Providers []*oidc.Provider

	Blobs blob.Blob // pictures and exports; nil: uploads and exports answer unavailable

	Hashes int // passwords checked at once, 19 MiB each; 0: 2
	Limits Limits
	Log    *slog.Logger     // nil: none
	Now    func() time.Time // nil: time.Now
}

// Service is the user-service. All methods may be called from any goroutine and block
// on the database and on Redis until ctx ends; their errors are faults.
type Service struct {
	db        *db.DB
	box       *seal.Box
	log       *slog.Logger
	now       func() time.Time
	public    string // base of links, no slash at the end
	links     bool
	hasher    *Hasher
	limits    *limiter
	keys      *keyring
	signer    *auth.Signer
	revoker   *auth.Revoker
	check     *auth.BrowserCheck
	blobs     blob.Blob // nil: none
	redis     *redis.Client
	pictures  *studio
	providers []*oidc.Provider
	pace      time.Duration // of answers that must not tell whether an account exists
}

// Open reads, or makes, the keys that tokens are signed with and tells Redis which
// sessions have ended lately. It starts nothing; Run does the housekeeping.
func Open(ctx context.Context, c Config) (*Service, error) {
	if c.DB == nil || c.Box == nil {
		return nil, errors.New("user: a database and a key that seals are needed")
	}
	s, err := prepare(c)
	if err != nil {
		return nil, err
	}
	if err := s.sealRows(ctx); err != nil {
		return nil, err
	}
	if s.keys, err = openKeys(ctx, c.DB, s.box, s.now); err != nil {
		return nil, err
	}
	s.signer, err = auth.NewSigner(auth.SignerConfig{Ring: s.keys.ring, Issuer: cmp.Or(c.Issuer, "weir"), Audience: cmp.Or(c.Audience, "weir"), Now: s.now})
	if err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	if err := s.sendRevocations(ctx, true); err != nil {
		s.log.Warn("ended sessions are told later", "err", err)
	}
	return s, nil
}

func prepare(c Config) (*Service, error) {
	s := &Service{
		db: c.DB, box: c.Box, log: c.Log, now: c.Now, links: c.LogLinks, pace: resetPace,
		public: strings.TrimRight(cmp.Or(c.PublicURL, "http://localhost:8080"), "/"),
		limits: newLimiter(c.Redis, c.Limits), blobs: c.Blobs, pictures: newStudio(), redis: c.Redis, providers: c.Providers,
		hasher: NewHasher(cmp.Or(max(c.Hashes, 0), 2), hashQueue, hashWait),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if c.Redis != nil {
		s.revoker = auth.NewRevoker(c.Redis, s.now)
	}
	u, err := url.Parse(s.public)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("user: the public URL must be like https://video.example.org")
	}
	if s.check, err = auth.NewBrowserCheck(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("user: %w", err)
	}
	return s, nil
}

// Peer is where a request comes from, for limits and the audit log.
type Peer struct {
	Address   netip.Addr // of the client, from the gateway; the zero Addr: unknown
	UserAgent string     // as the client says; shortened when stored
}

func (p Peer) address() string {
	if !p.Address.IsValid() {
		return ""
	}
	return p.Address.Unmap().WithZone("").String()
}

// userAgent is what is stored: printable and short.
func (p Peer) userAgent() string {
	const longest = 200
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, p.UserAgent[:min(len(p.UserAgent), 4*longest)])
	return text[:min(len(text), longest)]
}

// within runs do in a transaction and gives its error a code.
func (s *Service) within(ctx context.Context, do func(ctx context.Context, st Store) error) error {
	return faultOf(s.db.Tx(ctx, func(ctx context.Context, q db.Q) error { return do(ctx, Store{q}) }))
}

// store reads outside of a transaction.
func (s *Service) store() Store { return Store{s.db} }

// stamp is the time that is stored: UTC, microseconds, as the databases keep it.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// emit puts an event into the outbox, in the transaction of st.
func emit(ctx context.Context, st Store, d event.Data) error {
	return outbox.Tell(ctx, st.q, source, d)
}

// notFound makes the database's "no row" the fault that callers see.
func notFound(err error, what string) error {
	if errors.Is(err, db.ErrNotFound) {
		return fault.New(fault.NotFound, "there is no such "+what)
	}
	return faultOf(err)
}

func newID() (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("user: %w", err)
	}
	return id, nil
}

// needs returns a fault unless who has at least that role.
func needs(who auth.Identity, role auth.Role) error {
	if !who.Role.AtLeast(role) {
		return fault.Newf(fault.Denied, "only a %s may do this", role)
	}
	return nil
}
