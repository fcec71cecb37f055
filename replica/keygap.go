package replica

import "github.com/kdelta/kdelta/store"

// keyGap is a stretch of keys of which the store has none. New keys often ascend, since they are numbers or times: then one
// look at what stands behind the first of them spares the look for each of the others.
//
// It says what stood there when it was found: of what was written since, it tells only who has those keys at hand.
type keyGap struct {
	// from and to, which are no part of it, bound the gap; to is empty where nothing stands behind it.
	from, to string
	found    bool
	// missed is the newest key that the store did not have, ascents how many such keys in a row came behind the one before.
	missed  string
	ascents int
}

// minAscents is how many new keys have to ascend before anybody looks how far they may: eight in no order hardly ever do.
const minAscents = 8

// holds reports whether the store is known not to have a key.
func (g *keyGap) holds(key string) bool {
	return g.found && key > g.from && (key < g.to || g.to == "")
}

// exclude leaves a key outside that is no longer at hand, and what lies between it and where the gap began: new keys ascend.
func (g *keyGap) exclude(key string) {
	if g.holds(key) {
		g.from = key
	}
}

// miss notes that the store does not have a key, and looks how far the gap behind it goes if the next ones are likely to be in it.
func (g *keyGap) miss(tx store.Tx, key string) error {
	if key > g.missed {
		g.ascents++
	} else {
		g.ascents = 0
	}
	if g.missed = key; g.ascents < minAscents {
		return nil
	}
	return g.look(tx, key)
}

// look finds out how far the gap behind a key goes that the store does not have.
func (g *keyGap) look(tx store.Tx, key string) error {
	gap := keyGap{from: key, found: true, missed: key}
	for row, err := range tx.Scan(store.Docs, store.Range{From: []byte(key), KeysOnly: true}) {
		if err != nil {
			return err
		}
		gap.to = string(row.Key)
		break
	}
	*g = gap
	return nil
}
