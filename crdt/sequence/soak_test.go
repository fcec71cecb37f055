package sequence

import (
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
)

var soakOps = flag.Int("soak.ops", 3_000_000, "random operations of TestSoak, with -short a fiftieth")

// crowd is authors with a replica each, who write at random and now and then fetch what another one has. It is a History that
// answers from vector clocks.
type crowd struct {
	rand  *rand.Rand
	peers []peer
	ops   []crowdOp
	byDot [][]int // of each author, by dot: the op that owns it
}

type peer struct {
	text  *Text
	clock []uint64 // of each author, the last dot seen
	has   []int    // ops in the order in which they came
	saved [][]byte // parts of the log, while the text has been opened from a snapshot
	upTo  int      // events in them
}

type crowdOp struct {
	Op
	clock []uint64
}

func newCrowd(seed uint64, authors int) *crowd {
	c := &crowd{rand: rand.New(rand.NewPCG(seed, 8)), byDot: make([][]int, authors)}
	for i := range c.byDot {
		c.byDot[i] = []int{-1}
		c.peers = append(c.peers, peer{text: NewText(c), clock: make([]uint64, authors)})
	}
	return c
}

func (c *crowd) op(d Dot) *crowdOp { return &c.ops[c.byDot[d.Author[2]][d.Seq]] }

func (c *crowd) Covers(b, a Dot) bool { return c.op(b).clock[a.Author[2]] >= a.Seq }

func (c *crowd) Stamp(Dot) clock.Stamp { panic("nobody is forked") }

// write lets a peer write something: mostly on from where he is, sometimes elsewhere.
func (c *crowd) write(t testing.TB, by int) {
	p := &c.peers[by]
	length := p.text.Len()
	s := Splice{Pos: c.rand.IntN(length + 1)}
	if c.rand.IntN(3) == 0 {
		s.Removed = min(1+c.rand.IntN(8), length-s.Pos)
	}
	if s.Removed == 0 || c.rand.IntN(4) == 0 {
		s.Text = "añ🙂defgh"[:[]int{1, 3, 7, 9}[c.rand.IntN(4)]]
	}
	dot := Dot{Author: author(by), Seq: p.clock[by] + 1}
	if err := p.text.Splice(dot, s); err != nil {
		t.Fatal(err)
	}
	for range s.Width() {
		c.byDot[by] = append(c.byDot[by], len(c.ops))
	}
	p.clock[by] += uint64(s.Width())
	p.has = append(p.has, len(c.ops))
	c.ops = append(c.ops, crowdOp{Op{dot, s}, slices.Clone(p.clock)})
}

// fetch lets a peer apply what another one has, in the order in which that one got it.
func (c *crowd) fetch(t *testing.T, to, from int) {
	p := &c.peers[to]
	var batch []Op
	for _, i := range c.peers[from].has {
		op := &c.ops[i]
		by := op.Dot.Author[2]
		if p.clock[by] < op.Dot.Seq {
			batch = append(batch, op.Op)
			p.has = append(p.has, i)
			p.clock[by] = op.clock[by]
		}
	}
	_, err := p.text.Apply(batch...)
	if errors.Is(err, ErrHistory) {
		if err = p.text.Load(readParts(t, p.saved)); err == nil {
			_, err = p.text.Apply(batch...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// reload closes a peer's text and opens it again from a snapshot.
func (c *crowd) reload(t *testing.T, i int) {
	p := &c.peers[i]
	p.saved = append(p.saved, p.text.log.Append(nil, p.upTo))
	p.upTo = p.text.log.Events()
	text, err := OpenText(p.text.AppendSnapshot(nil), c)
	if err != nil {
		t.Fatal(err)
	}
	p.text = text
}

// TestSoak runs crowds until that many operations were applied, on all replicas together, and compares the replicas.
func TestSoak(t *testing.T) {
	todo := *soakOps
	if testing.Short() {
		todo /= 50
	}
	for seed := uint64(0); todo > 0; seed++ {
		c := newCrowd(seed, 3+int(seed%4))
		patience := 2 << (seed % 7) // writes between two fetches
		for range 1500 {
			by := c.rand.IntN(len(c.peers))
			c.write(t, by)
			if c.rand.IntN(patience) == 0 {
				c.fetch(t, by, c.rand.IntN(len(c.peers)))
			}
			if c.rand.IntN(100) == 0 {
				c.reload(t, by)
			}
		}
		for i := range c.peers {
			for from := range c.peers {
				c.fetch(t, i, from)
			}
		}
		want := c.peers[0].text.String()
		for i := range c.peers {
			text := c.peers[i].text
			if text.String() != want {
				t.Fatalf("seed %d: replicas %d and 0 differ", seed, i)
			}
			checkRope(t, &text.rope)
			todo -= len(c.peers[i].has)
		}
		p := &c.peers[len(c.peers)-1]
		whole := readParts(t, append(p.saved, p.text.log.Append(nil, p.upTo)))
		merged := NewText(c)
		if _, err := merged.Merge(whole); err != nil || merged.String() != want {
			t.Fatalf("seed %d: the log replays to another text (%v)", seed, err)
		}
		if !slices.Equal(slices.Collect(merged.Blame()), slices.Collect(p.text.Blame())) {
			t.Fatalf("seed %d: the log replays to a text of other authors", seed)
		}
	}
}
