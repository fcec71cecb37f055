package replica

import (
	"crypto/sha256"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
)

// TestGatheredSize: versions on top of many others make no pack that is larger than they count for, or it would fit into no frame.
func TestGatheredSize(t *testing.T) {
	var g gatherer
	g.reset()
	key := identity.AuthorKeyFromSeed([32]byte{1})
	var d history.Draft
	for i := range 50 {
		d = history.Draft{Author: key.Author(), Time: d.Time + 1, Prev: d.Prev}
		for j := range history.MaxDeps {
			other := identity.Author(sha256.Sum256([]byte{byte(j)}))
			d.Deps = append(d.Deps, history.Ref{Author: other, Seq: uint64(i + 1), ID: sha256.Sum256([]byte{byte(i), byte(j)})})
		}
		v, err := history.New(d)
		if err != nil {
			t.Fatal(err)
		}
		g.add(&v)
		d.Prev = v.Ref()
	}
	b, err := pack.Encode(nil, g.versions, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > g.size {
		t.Errorf("%d versions count for %d bytes and take %d", len(g.versions), g.size, len(b))
	}
}
