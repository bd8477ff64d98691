package bustest

import (
	"crypto/rand"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Variable is the environment variable with the address of a RabbitMQ for tests.
const Variable = "WEIR_TEST_AMQP_URL"

// Namespace gives a test names of its own at the broker (rabbitbus.Config.Prefix), and
// removes those of the groups after it.
func Namespace(t testing.TB, address string, groups ...string) string {
	t.Helper()
	prefix := "weirtest-" + strings.ToLower(rand.Text()[:10])
	t.Cleanup(func() {
		conn, err := amqp.Dial(address)
		if err != nil {
			return // it was a broker of this test alone
		}
		defer func() { _ = conn.Close() }()
		ch, err := conn.Channel()
		if err != nil {
			t.Error(err)
			return
		}
		for _, group := range groups {
			for _, name := range []string{prefix + "." + group, prefix + "." + group + ".dead"} {
				if _, err := ch.QueueDelete(name, false, false, false); err != nil {
					t.Error(err)
				}
			}
		}
		for _, name := range []string{prefix + ".events", prefix + ".dead"} {
			if err := ch.ExchangeDelete(name, false, false); err != nil {
				t.Error(err)
			}
		}
	})
	return prefix
}
