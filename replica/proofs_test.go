package replica

import (
	"encoding/binary"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
)

// TestProofsAmongMany: of hundreds of seals, erasures and certificates those are taken that hold by themselves, however they
// are shared out.
func TestProofsAmongMany(t *testing.T) {
	root, writer := identity.RootKeyFromSeed([32]byte{1}), identity.WriterKeyFromSeed([32]byte{2})
	space := root.Root().Space()
	grants := []identity.Grant{root.Grant(1, writer.Writer()), root.Grant(2, writer.Writer()), identity.RootKeyFromSeed([32]byte{3}).Grant(1, writer.Writer())}
	for _, n := range []int{0, 1, smallShare, smallShare + 1, 150} {
		p := proofs{space: space}
		for i := range n {
			key := identity.AuthorKeyFromSeed([32]byte(binary.BigEndian.AppendUint64(make([]byte, 24), uint64(i))))
			id := history.ID(key.Author())
			seal, cert := key.Seal(space, 1, id), writer.Certify(grants[i%40/16], key.Author())
			erasure := history.Erasure{Version: history.Version{ID: id}}
			erasure.Author, erasure.Seq, erasure.Sig = key.Author(), 1, seal.Sig
			if i%7 == 3 {
				seal.Sig[0] ^= 1
			}
			if i%11 == 5 {
				erasure.Sig[40] ^= 1
			}
			if i%13 == 2 {
				cert.Sig[33] ^= 1
			}
			p.seals, p.erasures, p.certificates = append(p.seals, seal), append(p.erasures, erasure), append(p.certificates, cert)
		}
		got := p.check()
		var seals, erasures, certificates int
		for i := range n {
			if _, holds := got.sealed[p.seals[i].ID]; holds != (p.seals[i].Verify(space) == nil) {
				t.Errorf("%d: the seal %d is taken: %v", n, i, holds)
			} else if holds {
				seals++
			}
			if _, holds := got.certificates[p.certificates[i].Author]; holds != (p.certificates[i].Verify(space) == nil) {
				t.Errorf("%d: the certificate %d is taken: %v", n, i, holds)
			} else if holds {
				certificates++
			}
			if p.erasures[i].Seal().Verify(space) != nil {
				continue
			}
			if erasures >= len(got.erasures) || got.erasures[erasures].ID != p.erasures[i].ID {
				t.Errorf("%d: the erasure %d is not taken, or not in its place", n, i)
			}
			erasures++
		}
		if seals != len(got.sealed) || certificates != len(got.certificates) || erasures != len(got.erasures) || n == 150 && (seals == n || certificates == n || erasures == n) {
			t.Errorf("of %d hold %d, %d and %d; taken are %d, %d and %d", n, seals, certificates, erasures, len(got.sealed), len(got.certificates), len(got.erasures))
		}
	}
}
