package auth

import (
	"syscall"
	"testing"
	"time"
)

// cpu reports the CPU time of one operation: what others do on the machine is in
// ns/op, not in it.
func cpu(b *testing.B) (report func()) {
	used := func() (ns int64) {
		var u syscall.Rusage
		ok(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return u.Utime.Nano() + u.Stime.Nano()
	}
	begin := used()
	return func() { b.ReportMetric(float64(used()-begin)/float64(b.N), "cpu-ns/op") }
}

// BenchmarkVerify: what does a token cost that was seen before, and what a new one?
func BenchmarkVerify(b *testing.B) {
	r := newRig(b)
	_, token := r.sign(b)
	b.Run("seen", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			if _, err := r.verifier.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seen/parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := r.verifier.Verify(b.Context(), token); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		var tokens []string
		for range 1000 {
			_, token := r.sign(b)
			tokens = append(tokens, token)
		}
		v := r.another(b, func(c *Config) { c.CacheSize = 100 }) // forgotten when its turn comes again
		defer cpu(b)()
		for i := 0; b.Loop(); i++ {
			if _, err := v.Verify(b.Context(), tokens[i%len(tokens)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("forged", func(b *testing.B) {
		forged := token[:len(token)-10] + "AAAAAAAAAA"
		defer cpu(b)()
		for b.Loop() {
			if _, err := r.verifier.Verify(b.Context(), forged); err == nil {
				b.Fatal("taken")
			}
		}
	})
}

// BenchmarkSign: what does a sign-in cost?
func BenchmarkSign(b *testing.B) {
	r := newRig(b)
	id := somebody()
	for b.Loop() {
		if _, err := r.signer.Sign(id, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}
