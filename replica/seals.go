package replica

import (
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// A row of Seals is a seal that came with a version of another author: its key is the line and the version's last dot, its
// value the signature and the version's id. It was verified before it was stored.

// sealKey is the key of the seal over the version of a line whose last dot is seq.
func sealKey(line history.Line, seq uint64) []byte {
	return append(store.IntKey(uint64(line)), store.IntKey(seq)...)
}

func sealRow(s *identity.Seal) []byte { return append(s.Sig[:len(s.Sig):len(s.Sig)], s.ID[:]...) }

// sealIn reads a row; false: it has not the length of one.
func sealIn(author identity.Author, row store.Row) (identity.Seal, bool) {
	s := identity.Seal{Author: author}
	if len(row.Key) != 16 || len(row.Value) != len(s.Sig)+len(s.ID) {
		return s, false
	}
	s.Seq = store.KeyInt(row.Key[8:])
	copy(s.ID[:], row.Value[copy(s.Sig[:], row.Value):])
	return s, true
}

// keepSeals stores the seals over versions that were applied, so that they can be handed on. Of versions that were here
// already too: they may have come under the seal of a later one, which waits.
func (a *applier) keepSeals() error {
	for id, s := range a.sealed {
		at, ok := a.placed[id]
		if !ok {
			continue
		}
		if err := a.c.tx.Put(store.Seals, sealKey(at.line, s.Seq), sealRow(&s)); err != nil {
			return err
		}
	}
	return nil
}
