package protocol

import "github.com/kdelta/kdelta/crdt/clock"

// credit counts the packs that are under way: sent, and not acked.
type credit struct {
	under []sentPack
	bytes int
}

// sentPack is what a receipt for a pack is worth.
type sentPack struct {
	bytes int
	tips  clock.Vector
}

func (c *credit) packs() int { return len(c.under) }

// spent reports whether nothing may be sent before an ack came.
func (c *credit) spent() bool { return len(c.under) >= MaxUnacked || c.bytes >= unackedBytes }

func (c *credit) take(p *Pack) {
	c.under = append(c.under, sentPack{len(p.Bytes), p.Tips})
	c.bytes += len(p.Bytes)
}

// give takes back the credit of the n oldest packs and returns the newest versions among theirs.
func (c *credit) give(n uint64) (tips clock.Vector) {
	for _, p := range c.under[:n] {
		c.bytes -= p.bytes
		tips = tips.Join(p.tips)
	}
	c.under = c.under[n:]
	return tips
}
