package protocol

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// TestInSyncIsCheap is the price of finding out that nothing is to do: one round trip, 800 bytes.
func TestInSyncIsCheap(t *testing.T) {
	a, b := conversations()[1]()
	w := newWire(t, a, b)
	w.say() // both hellos
	for side := range w.sessions {
		if err := w.deliver(side); err != nil {
			t.Fatal(err)
		}
	}
	w.say() // both answers
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	if w.delivered != 6 || !w.sessions[0].Done() || !w.sessions[1].Done() {
		t.Fatalf("%d frames, done %t %t; two hellos, acks and byes are all", w.delivered, w.sessions[0].Done(), w.sessions[1].Done())
	}
	r := w.sessions[0].Report()
	total := r.Sent.Bytes + r.Received.Bytes
	t.Logf("in sync: %d bytes both ways", total)
	if total > 800 {
		t.Errorf("in sync: %d bytes both ways, the target is 800", total)
	}
}

// crowd is a replica with many authors and no versions to give.
type crowd struct {
	*fake
	held  Held
	asked clock.Vector
	acks  []Ack
}

func newCrowd(w *world, name string, authors int) *crowd {
	c := &crowd{fake: w.replica(name)}
	entries := make([]clock.Entry, authors)
	for i := range entries {
		binary.BigEndian.PutUint32(entries[i].Author[:], uint32(i+1))
		entries[i].Seq = uint64(1) << 40
	}
	c.held.Clock = clock.NewVector(entries...)
	c.held.Tips[0] = name[0]
	return c
}

func (c *crowd) Facts() (Facts, error) {
	facts, err := c.fake.Facts()
	facts.Held = c.held
	return facts, err
}

func (c *crowd) Held() (Held, error)              { return c.held, nil }
func (c *crowd) Holds(clock.Vector) (bool, error) { return true, nil }
func (c *crowd) Meet(Peer, int64) (*Held, error)  { return nil, nil }
func (c *crowd) Next() (Pack, error)              { return Pack{}, io.EOF }
func (c *crowd) Close() error                     { return nil }
func (c *crowd) Apply([]byte) (Applied, error)    { return Applied{}, nil }
func (c *crowd) News() (Feed, error)              { return nil, nil }
func (c *crowd) Acknowledge(_ Peer, a Ack) error {
	c.acks = append(c.acks, a)
	return nil
}

func (c *crowd) Missing(have clock.Vector) (Feed, error) {
	c.asked = have
	return c, nil
}

// TestClockOfManyFrames tells a clock that no single frame holds.
func TestClockOfManyFrames(t *testing.T) {
	w := newWorld()
	a, b := newCrowd(w, "A", MaxTips), newCrowd(w, "B", 3)
	wire := newWire(t, a.fake, b.fake)
	wire.sessions = [2]*Session{New(a), New(b)}
	if err := wire.play(everything); err != nil {
		t.Fatal(err)
	}
	if len(b.asked) != MaxTips || b.asked.Compare(a.held.Clock) != clock.Equal {
		t.Errorf("B was told %d of %d tips", len(b.asked), MaxTips)
	}
	if len(a.asked) != 3 {
		t.Errorf("A was told %d of 3 tips", len(a.asked))
	}
	if s := wire.sessions[0].Report().Sent; s.Frames != 1+MaxTips/MaxTipsPerFrame+3 {
		t.Errorf("A sent %d frames", s.Frames)
	}
	// A's tips are in B's receipt although no ack repeats them.
	if n := len(b.acks); n != 1 || len(b.acks[0].Clock) != MaxTips {
		t.Errorf("B has %d receipts", n)
	}
}

// reticent is a replica that tells less than it holds once it knows whom, and notes what it is asked.
type reticent struct {
	*crowd
	tells Held
	calls []string
	skew  int64
}

func (r *reticent) Meet(_ Peer, skew int64) (*Held, error) {
	r.calls, r.skew = append(r.calls, "meet"), skew
	return &r.tells, r.trouble("meet")
}

func (r *reticent) Missing(have clock.Vector) (Feed, error) {
	r.calls = append(r.calls, "missing")
	return r.crowd.Missing(have)
}

func (r *reticent) Apply(b []byte) (Applied, error) {
	r.calls = append(r.calls, "apply")
	return r.crowd.Apply(b)
}

// gives is a feed of one pack.
type gives struct {
	*crowd
	given bool
}

func (g *gives) Missing(clock.Vector) (Feed, error) { return g, nil }

func (g *gives) Next() (Pack, error) {
	if g.given {
		return Pack{}, io.EOF
	}
	g.given = true
	return Pack{Bytes: []byte{0x90}, Versions: 1}, nil
}

// TestMeet: a replica learns whom it speaks with before its clock is told, chooses what that tells, and works out what the
// peer lacks before it takes anything.
func TestMeet(t *testing.T) {
	w := newWorld()
	a, b := &reticent{crowd: newCrowd(w, "A", 3)}, &gives{crowd: newCrowd(w, "B", 1)}
	a.tells.Clock = a.held.Clock[:2]
	a.wall, b.wall = 5000, 2000
	wire := newWire(t, a.fake, b.fake)
	wire.sessions = [2]*Session{New(a), New(b)}
	wire.say()
	for range 2 { // B's hello and its clock; then its pack arrives before A has said anything
		for len(wire.ways[0]) > 0 {
			frame := wire.ways[0][0]
			wire.ways[0] = wire.ways[0][1:]
			if err := wire.sessions[0].Receive(frame); err != nil {
				t.Fatal(err)
			}
		}
		wire.say()
	}
	if err := wire.play(everything); err != nil {
		t.Fatal(err)
	}
	if a.skew != -3000 || len(b.acks) != 1 || b.acks[0].Clock.Compare(a.held.Clock) != clock.Equal {
		t.Errorf("skew %d, B's receipts %v", a.skew, b.acks)
	}
	if want := []string{"meet", "missing", "apply"}; !slices.Equal(a.calls, want) {
		t.Errorf("A was asked %v, want %v", a.calls, want)
	}
	failing := &reticent{crowd: newCrowd(w, "C", 2)}
	failing.fails = "meet"
	wire = newWire(t, failing.fake, b.fake)
	wire.sessions = [2]*Session{New(failing), New(b)}
	if err := wire.play(everything); !errors.Is(err, errDisk) && !errors.Is(wire.sessions[0].Close(), ErrLocal) {
		t.Errorf("a replica that fails at the meeting: %v", err)
	}
}

// TestAckOfManyTips cuts the clock of an ack: the receipt says less than is true.
func TestAckOfManyTips(t *testing.T) {
	w := newWorld()
	a, b := newCrowd(w, "A", 3), newCrowd(w, "B", 1)
	wire := newWire(t, a.fake, b.fake)
	wire.sessions = [2]*Session{New(a), New(b)}
	wire.say()
	a.held.Clock = newCrowd(w, "A", 5_000).held.Clock // written by many while the session runs
	if err := wire.play(everything); err != nil {
		t.Fatal(err)
	}
	if n := len(b.acks); n != 1 || len(b.acks[0].Clock) != 3+MaxTipsPerAck {
		t.Errorf("B's receipt names %d tips, want %d", len(b.acks[0].Clock), 3+MaxTipsPerAck)
	}
}

// TestLimits sends frames that are canonical and beyond a limit, each where its kind may come.
func TestLimits(t *testing.T) {
	w := newWorld()
	tips := newCrowd(w, "A", MaxTips+2).held.Clock
	name := strings.Repeat("s", MaxStrategyName)
	refusals := func(n int) []Refusal { return make([]Refusal, n) }
	for _, c := range []struct {
		name   string
		frames [][]byte // the last one is refused
		want   string
	}{
		{"frame", [][]byte{have{last: true}.encode(), Pack{Bytes: make([]byte, MaxPack+1)}.encode()}, "2097153 bytes, the limit is 2097152"},
		{"tips in a frame", [][]byte{have{clock: tips[:MaxTipsPerFrame+1], last: true}.encode()}, "16385 tips, the limit is 16384"},
		{
			"tips in all", [][]byte{
				have{clock: tips[:16_384]}.encode(), have{clock: tips[16_384:32_768]}.encode(),
				have{clock: tips[32_768:49_152]}.encode(), have{clock: tips[49_152:65_536]}.encode(), have{clock: tips[65_536:], last: true}.encode(),
			}, "more than 65536 tips",
		},
		{"parts out of order", [][]byte{have{clock: tips[5:7]}.encode(), have{clock: tips[6:8]}.encode()}, "not in order"},
		{"parts without end", [][]byte{have{}.encode()}, "an empty part"},
		{"pack and something beside it", [][]byte{have{last: true}.encode(), packWithSeals()}, "pack: 1 fields are due, found 2"},
		{"tips in an ack", [][]byte{ack{clock: tips[:MaxTipsPerAck+1]}.encode()}, "1025 tips, the limit is 1024"},
		{"refusals", [][]byte{ack{refused: 65, refusals: refusals(65)}.encode()}, "65 refusals, the limit is 64"},
		{"uncounted refusals", [][]byte{ack{refused: 1, refusals: refusals(2)}.encode()}, "more refusals listed than counted"},
		{"whole too early", [][]byte{have{last: true}.encode(), wholeTooEarly()}, "whole before the end"},
		{"half a digest", [][]byte{ack{tips: new(Digest)}.encode()}, "one digest without the other"},
		{"text", [][]byte{bye{text: strings.Repeat("x", MaxText+1)}.encode()}, "1025 bytes, the limit is 1024"},
		{"strategies", [][]byte{hello{strategies: repeat("lww/1", MaxStrategies+1)}.encode()}, "257 strategies, the limit is 256"},
		{"strategy name", [][]byte{hello{strategies: []string{name + "s"}}.encode()}, "64 bytes"},
		{"strategy name that does not print", [][]byte{hello{strategies: []string{"lww\x00/1"}}.encode()}, "printing text"},
		{"wall clock", [][]byte{hello{wall: -1}.encode()}, "negative"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := w.replica("A"), w.replica("B")
			b.add("b1")
			s := New(a)
			if d, err := open(c.frames[0]); err != nil || d.kind != kindHello {
				greet(t, s, b)
			}
			for i, frame := range c.frames {
				err := s.Receive(frame)
				if i < len(c.frames)-1 && err != nil {
					t.Fatalf("frame %d: %v", i, err)
				}
				if i == len(c.frames)-1 && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want)) {
					t.Fatalf("%v, want ErrMalformed with %q", err, c.want)
				}
			}
			if bye, err := s.Next(); err != nil || !strings.HasPrefix(a.world.describe(bye), "bye   malformed frame") {
				t.Errorf("the peer hears %s, %v", a.world.describe(bye), err)
			}
			if !s.Done() || s.State() != Broken {
				t.Errorf("%s, done %t", s.State(), s.Done())
			}
		})
	}
}

// TestGreatestPack has a pack of MaxPack bytes arrive, in a frame of MaxFrame bytes.
func TestGreatestPack(t *testing.T) {
	a, b := oneVersion("A"), newWorld().replica("B")
	a.padding = MaxPack - len("a1")
	w := newWire(t, a, b)
	greatest := 0
	for {
		side, ok := w.due()
		if !ok {
			break
		}
		greatest = max(greatest, len(w.ways[side][0]))
		if err := w.deliver(side); err != nil {
			t.Fatal(err)
		}
	}
	w.close()
	if r := w.sessions[0].Report(); greatest != MaxFrame || r.State != Synced || r.Sent.Packs != 1 || b.held() != "a1" {
		t.Errorf("the greatest frame has %d bytes, %s after %d packs, B holds %q", greatest, r.State, r.Sent.Packs, b.held())
	}
}

// TestPackTooGreat gives a pack of MaxPack+1 bytes to the side that would send it, and its frame to the other.
func TestPackTooGreat(t *testing.T) {
	a, b := oneVersion("A"), newWorld().replica("B")
	a.padding = MaxPack + 1 - len("a1")
	sender, receiver := New(a), New(b)
	for s, peer := range map[*Session]*fake{sender: b, receiver: a} {
		greet(t, s, peer)
		if err := s.Receive(have{last: true}.encode()); err != nil {
			t.Fatal(err)
		}
	}
	const ours = "the feed gave a pack of 2097146 bytes, the limit is 2097145"
	if frame, err := sender.Next(); frame != nil || !errors.Is(err, ErrLocal) || !strings.Contains(err.Error(), ours) {
		t.Errorf("the sender says %d bytes, %v, want ErrLocal: %s", len(frame), err, ours)
	}
	if bye, err := sender.Next(); err != nil || !strings.HasPrefix(a.world.describe(bye), "bye   trouble on its side") {
		t.Errorf("the peer hears %s, %v", a.world.describe(bye), err)
	}
	if r := sender.Report(); r.Sent.Packs != 0 || a.openFeeds != 0 {
		t.Errorf("%d packs count as sent, %d feeds are open", r.Sent.Packs, a.openFeeds)
	}
	const theirs = "2097153 bytes, the limit is 2097152"
	frame := Pack{Bytes: append([]byte("a1"), bytes.Repeat([]byte{' '}, a.padding)...)}.encode()
	if err := receiver.Receive(frame); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), theirs) {
		t.Errorf("the receiver takes it with %v, want ErrMalformed: %s", err, theirs)
	}
	if b.held() != "" {
		t.Errorf("B holds %s", b.held())
	}
}

func repeat[T any](x T, n int) []T {
	list := make([]T, n)
	for i := range list {
		list[i] = x
	}
	return list
}

// wholeTooEarly is an ack in its long form that says what only the short one or the last one may.
func wholeTooEarly() []byte {
	frame := ack{}.encode()
	frame[4] = ack{end: true, whole: true}.encode()[4]
	return frame
}

// packWithSeals is a pack frame of whoever thinks that proofs stand beside a pack.
func packWithSeals() []byte {
	return canon.AppendArray(canon.AppendBytes(frame(kindPack, 2), nil), 0)
}

// greet brings s past the hello of b and lets it say what it then has to say.
func greet(t testing.TB, s *Session, b *fake) {
	t.Helper()
	hello, err := New(b).Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if err := s.Receive(hello); err != nil {
		t.Fatal(err)
	}
	silence(t, s)
}

// silence lets s say all that it has to say.
func silence(t testing.TB, s *Session) {
	t.Helper()
	for {
		if frame, err := s.Next(); err != nil {
			t.Fatal(err)
		} else if frame == nil {
			return
		}
	}
}

// TestOwnFactsOutOfBounds refuses to say what no peer would take.
func TestOwnFactsOutOfBounds(t *testing.T) {
	w := newWorld()
	for name, local := range map[string]Local{
		"tips":       newCrowd(w, "A", MaxTips+1),
		"strategies": &boaster{fake: w.replica("A"), strategies: repeat("lww/1", MaxStrategies+1)},
		"name":       &boaster{fake: w.replica("A"), strategies: []string{strings.Repeat("n", MaxStrategyName+1)}},
		"no name":    &boaster{fake: w.replica("A"), strategies: []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			if frame, err := New(local).Next(); !errors.Is(err, ErrLocal) {
				t.Errorf("said %d bytes, %v", len(frame), err)
			}
		})
	}
}

type boaster struct {
	*fake
	strategies []string
}

func (b *boaster) Facts() (Facts, error) {
	facts, err := b.fake.Facts()
	facts.Strategies = b.strategies
	return facts, err
}

// TestManyRefusals counts all and names the first.
func TestManyRefusals(t *testing.T) {
	w := newWorld()
	a, b := w.replica("A"), w.replica("B")
	a.perPack = 1
	b.refuses["a1"] = strings.Repeat("long ", 500)
	words := []string{"a1"}
	for v := w.mustParse("a1"); len(words) < 3*MaxRefusals; {
		v = w.mustParse("a" + strconv.FormatUint(v.seq+1, 10))
		words = append(words, v.text)
		b.refuses[v.dot] = "no"
	}
	a.add(words...)
	ra, rb := syncOnce(t, a, b)
	if rb.RefusedCount != len(words) || len(rb.Refused) != MaxRefusals {
		t.Errorf("B refused %d and names %d", rb.RefusedCount, len(rb.Refused))
	}
	if ra.RefusedByPeerCount != uint64(len(words)) || len(ra.RefusedByPeer) != MaxRefusals {
		t.Errorf("A knows of %d refusals and names %d", ra.RefusedByPeerCount, len(ra.RefusedByPeer))
	}
	if n := len(rb.Refused[0].Text); n > MaxText || rb.Refused[0] != ra.RefusedByPeer[0] {
		t.Errorf("a reason of %d bytes; A was told %q", n, ra.RefusedByPeer[0].Text)
	}
}

// TestReceiveKeepsNothing changes a frame after Receive has returned: what the session reports does not change with it.
func TestReceiveKeepsNothing(t *testing.T) {
	a, b := conversations()[3]()
	b.refuses["a2"] = "no"
	w := newWire(t, a, b)
	for {
		side, ok := w.due()
		if !ok {
			break
		}
		frame := w.ways[side][0]
		if err := w.deliver(side); err != nil {
			t.Fatal(err)
		}
		clear(frame)
	}
	w.close()
	if r := w.sessions[0].Report(); r.Peer.Strategies[0] != "fields/1" || r.RefusedByPeer[0].Text != "no" {
		t.Errorf("%+v", r)
	}
}

// TestClean is the table of what a terminal gets to see of a peer's text.
func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain text, é, 日本", "plain text, é, 日本"},
		{"\x1b[31mred\x1b[0m", "[31mred [0m"},
		{"two\r\nlines\tand\x00more", "two lines and more"},
		{"\u202eturned\u2066 round", "turned round"},
		{"  spaces   within  ", "spaces within"},
		{"bad \xff\xfe bytes", "bad bytes"},
		{"\u0085\u009b31m", "31m"},
	} {
		if got := clean(c.in, MaxText); got != c.want {
			t.Errorf("clean(%q) = %q, want %q", c.in, got, c.want)
		}
		if got := clean(c.want, MaxText); got != c.want {
			t.Errorf("clean(%q) = %q: not stable", c.want, got)
		}
	}
	if got := clean(strings.Repeat("日", 10), 10); got != "日日日" {
		t.Errorf("cut within a rune: %q", got)
	}
}
