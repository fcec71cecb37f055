package replica

import (
	"errors"

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

// keptSeal is the seal that came with a version, if both are here.
func (s *snap) keptSeal(author identity.Author, seq uint64, id history.ID) (seal identity.Seal, kept bool, err error) {
	lines := s.byAuthor[author]
	if len(lines) == 0 {
		return seal, false, nil
	}
	line := lines[0]
	if len(lines) > 1 {
		err := s.graph(func(g *history.Graph) error {
			lv, found, err := g.Lookup(history.Ref{Author: author, Seq: seq, ID: id}, s)
			if kept = found; found {
				line, _ = g.At(lv)
			}
			return err
		})
		if err != nil || !kept {
			return seal, false, err
		}
	}
	return s.sealOn(line, seq, id)
}

// sealOn is the seal over a version of a line, if it is stored.
func (s *snap) sealOn(line history.Line, seq uint64, id history.ID) (seal identity.Seal, kept bool, err error) {
	row := store.Row{Key: sealKey(line, seq)}
	row.Value, err = s.tx.Get(store.Seals, row.Key)
	if errors.Is(err, store.ErrNotFound) {
		return seal, false, nil
	}
	if err != nil {
		return seal, false, err
	}
	seal, ok := sealIn(s.lines[line].Author, row)
	return seal, ok && seal.ID == id, nil
}

// keepSeals stores the seals over versions that were applied, so that they can be handed on. Of versions that were here
// already too: they may have come under the seal of a later one, which waits. Anybody can sign anything under a key of their own,
// and a pack can carry that, so only what the version's author said of exactly this version takes the place of its seal.
func (a *applier) keepSeals() error {
	for id, s := range a.sealed {
		at, ok := a.placed[id]
		if !ok {
			continue
		}
		if _, seq := a.g.At(at.lv); s.Author != a.c.lines[at.line].Author || s.Seq != seq {
			continue
		}
		if err := a.c.tx.Put(store.Seals, sealKey(at.line, s.Seq), sealRow(&s)); err != nil {
			return err
		}
	}
	return nil
}
