package noise

import (
	"bytes"
	"testing"

	flynn "github.com/flynn/noise"
	"pgregory.net/rapid"
)

// However a frame is cut into parts, it is joined again: small ones among them take no memory of their own.
func TestFrameOfAnyParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, s := &opener{}, &sealer{}
		o.state, s.state = sameKey()
		size := rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, maxPart), rapid.Just(maxPart))
		for range rapid.IntRange(1, 3).Draw(t, "frames") {
			var want []byte
			for i, n := range rapid.SliceOfN(size, 0, 12).Draw(t, "parts") {
				part := bytes.Repeat([]byte{byte(i)}, n)
				want = append(want, part...)
				if _, done, _, err := o.open(sealed(t, s, kindPart, part)); done || err != nil {
					t.Fatal(done, err)
				}
			}
			if kept := len(o.parts); kept > 1+2*len(want)/maxPart {
				t.Fatalf("%d parts are kept of %d bytes", kept, len(want))
			}
			want = append(want, "last"...)
			got, done, _, err := o.open(sealed(t, s, kindLast, []byte("last")))
			if !done || err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes became %d, %t, %v", len(want), len(got), done, err)
			}
		}
	})
}

// sameKey is the key of one direction, at both ends.
func sameKey() (in, out *flynn.CipherState) {
	suite := flynn.NewCipherSuite(flynn.DH25519, flynn.CipherChaChaPoly, flynn.HashSHA256)
	return flynn.UnsafeNewCipherState(suite, [32]byte{1}, 0), flynn.UnsafeNewCipherState(suite, [32]byte{1}, 0)
}

// sealed is a record in memory of its own, as one arrives.
func sealed(t *rapid.T, s *sealer, kind byte, body []byte) []byte {
	record, err := s.seal(kind, body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(record)
}
