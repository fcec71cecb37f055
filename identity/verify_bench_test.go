package identity_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

// What a signature costs, in batches and one by one: seals of as many authors,
// and certificates under one grant.
func BenchmarkVerifyEach(b *testing.B) {
	const most = 256
	m := newMember(b, 1)
	space := m.Space()
	var seals, certificates [most]identity.Record
	for i := range uint64(most) {
		seed := fill(0)
		binary.BigEndian.PutUint64(seed[:], i)
		key := identity.AuthorKeyFromSeed(seed)
		seals[i], certificates[i] = key.Seal(space, i, seed), certify(b, m, key.Author())
	}
	for _, kind := range []struct {
		name    string
		records []identity.Record
	}{{"seals", seals[:]}, {"certificates", certificates[:]}} {
		for _, n := range []int{1, 2, 3, 4, 8, 16, 32, 64, 256} {
			b.Run(kind.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				for b.Loop() {
					identity.VerifyEach(space, kind.records[:n])
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
			})
		}
	}
}

// The measure of it: the standard library, which wants the equation to come out
// without the cofactor.
func BenchmarkStandardLibrary(b *testing.B) {
	seed := fill(1)
	key := ed25519.NewKeyFromSeed(seed[:])
	message := make([]byte, 120)
	sig := ed25519.Sign(key, message)
	for b.Loop() {
		ed25519.Verify(key.Public().(ed25519.PublicKey), message, sig)
	}
}
