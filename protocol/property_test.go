package protocol

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
)

// drawHistory draws a DAG of versions by up to four authors, some of them forked, as words, parents first.
func drawHistory(t *rapid.T, w *world) []word {
	var all []word
	tips := map[string]uint64{} // author and branch → seq
	for range rapid.IntRange(0, 24).Draw(t, "versions") {
		author := string(rune('a' + rapid.IntRange(0, 3).Draw(t, "author")))
		branches := slices.Sorted(maps.Keys(tips))
		branches = slices.DeleteFunc(branches, func(b string) bool { return b[:1] != author })
		text := author + "1"
		switch {
		case len(branches) == 0:
			tips[author] = 1
		case tips[author] > 1 && len(branches) < 3 && rapid.IntRange(0, 5).Draw(t, "fork") == 0:
			branch := author + strings.Repeat("'", len(branches))
			seq := rapid.Uint64Range(2, tips[author]).Draw(t, "forks at")
			text = author + strconv.FormatUint(seq, 10) + branch[1:] + "<" + author + strconv.FormatUint(seq-1, 10)
			tips[branch] = seq
		default:
			branch := rapid.SampledFrom(branches).Draw(t, "branch")
			tips[branch]++
			text = author + strconv.FormatUint(tips[branch], 10) + branch[1:]
		}
		if len(all) > 0 && rapid.Bool().Draw(t, "saw another") {
			if seen := rapid.SampledFrom(all).Draw(t, "saw").dot; seen[:1] != author {
				text += "+" + seen
			}
		}
		all = append(all, w.mustParse(text))
	}
	return all
}

// drawReplica draws a causally closed part of history.
func drawReplica(t *rapid.T, w *world, name string, history []word) *fake {
	f := w.replica(name)
	f.perPack = rapid.IntRange(1, 4).Draw(t, "versions in a pack")
	wanted := map[string]bool{}
	for _, v := range slices.Backward(history) {
		if wanted[v.dot] || rapid.IntRange(0, 3).Draw(t, name+" has "+v.dot) == 0 {
			wanted[v.dot] = true
			for _, parent := range v.parents {
				wanted[parent] = true
			}
		}
	}
	for _, v := range history {
		if wanted[v.dot] {
			f.add(v.text)
		}
	}
	return f
}

// TestAnyTwoReplicasMeet interleaves the steps of a session in every way, writes while it runs, and wants the two to
// hold the same in the end, with a bounded number of frames, and no receipt for what the peer does not hold.
func TestAnyTwoReplicasMeet(t *testing.T) {
	w := newWorld()
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t, w)
		a, b := drawReplica(t, w, "A", history), drawReplica(t, w, "B", history)
		union := w.replica("U")
		for _, v := range history {
			if a.versions[v.dot].text != "" || b.versions[v.dot].text != "" {
				union.add(v.text)
			}
		}
		written := interleave(t, a, b)
		if len(written) == 0 && (a.held() != union.held() || b.held() != union.held()) {
			t.Fatalf("A holds %s\nB holds %s\n   want %s", a.held(), b.held(), union.held())
		}
		union.add(written...)
		first, second := syncOnce(t, a, b)
		if a.held() != union.held() || b.held() != union.held() {
			t.Fatalf("after a second session\nA holds %s\nB holds %s\n   want %s", a.held(), b.held(), union.held())
		}
		if !first.Equal || !second.Equal || first.Diverged || second.Diverged {
			t.Fatalf("equal %t %t, diverged %t %t", first.Equal, second.Equal, first.Diverged, second.Diverged)
		}
		if n := first.Sent.Versions + second.Sent.Versions; n > len(written) {
			t.Fatalf("the second session sent %d versions, only %d were written during the first", n, len(written))
		}
	})
}

// interleave plays one session in a drawn order and returns what was written meanwhile.
func interleave(t *rapid.T, a, b *fake) (written []string) {
	w := newWire(t, a, b)
	for range rapid.IntRange(0, 60).Draw(t, "steps") {
		side := rapid.IntRange(0, 1).Draw(t, "side")
		switch rapid.IntRange(0, 8).Draw(t, "step") {
		case 0:
			text := string("xy"[side]) + strconv.Itoa(len(written)/2+1)
			if f := w.fakes[side]; len(written) < 8 && f.world.canWrite(f, text) {
				f.add(text)
				written = append(written, text)
			}
		case 1, 2, 3, 4:
			frame, err := w.sessions[side].Next()
			if err != nil {
				t.Fatal(err)
			}
			if frame != nil {
				w.ways[1-side] = append(w.ways[1-side], frame)
			}
		default:
			if len(w.ways[side]) > 0 {
				if err := w.deliver(side); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	w.close()
	for i, s := range w.sessions {
		r := s.Report()
		if r.State != Synced {
			t.Fatalf("side %d ended %s", i, r.State)
		}
		// hello, have, end, final ack, bye; a pack each; an ack for 16 packs of the peer
		if most := 5 + r.Sent.Packs + r.Received.Packs/ackEvery; r.Sent.Frames > most {
			t.Fatalf("side %d sent %d frames, at most %d are needed", i, r.Sent.Frames, most)
		}
		// What one writes after its have may come back to it: the other's feed starts when it has something to say.
		if r.Duplicates > len(written) || r.RefusedCount != 0 || r.Pending != 0 {
			t.Fatalf("side %d: %d duplicates, %d refused, %d pending", i, r.Duplicates, r.RefusedCount, r.Pending)
		}
	}
	return written
}

// canWrite says whether f holds what text builds on, and not text itself.
func (w *world) canWrite(f *fake, text string) bool {
	v := w.mustParse(text)
	for _, parent := range v.parents {
		if _, ok := f.versions[parent]; !ok {
			return false
		}
	}
	_, ok := f.versions[v.dot]
	return !ok
}

// TestFaultyLink loses, repeats, swaps and damages each frame of conversations in turn. The session may break, by name;
// what both hold must be part of what there was, and a session over a good link must finish the work.
func TestFaultyLink(t *testing.T) {
	faults := map[string]func(way [][]byte) [][]byte{
		"lost":     func(way [][]byte) [][]byte { return way[1:] },
		"repeated": func(way [][]byte) [][]byte { return append([][]byte{way[0]}, way...) },
		"swapped": func(way [][]byte) [][]byte {
			if len(way) > 1 {
				way[0], way[1] = way[1], way[0]
			}
			return way
		},
		"damaged": func(way [][]byte) [][]byte {
			frame := bytes.Clone(way[0])
			frame[len(frame)/2] ^= 0x40
			way[0] = frame
			return way
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for _, replicas := range conversations() {
				for n := 0; faultAt(t, replicas, n, fault); n++ {
				}
			}
		})
	}
}

// conversations returns makers of two replicas each.
func conversations() []func() (*fake, *fake) {
	pair := func(has, peer string) func() (*fake, *fake) {
		return func() (*fake, *fake) {
			w := newWorld()
			a, b := w.replica("A"), w.replica("B")
			a.add(strings.Fields(has)...)
			b.add(strings.Fields(peer)...)
			return a, b
		}
	}
	return []func() (*fake, *fake){
		pair("", ""),
		pair("a1 b1+a1", "a1 b1+a1"),
		pair("a1 a2 a3 a4 a5", ""),
		pair("a1 a2 b1+a1 a3", "a1 b1+a1 b2 b3 b4"),
		pair("a1 a2 a3 a4", "a1 a2 a3'<a2 a4' b1+a3'"),
	}
}

// faultAt applies the fault to frame n; false if there is no such frame.
func faultAt(t *testing.T, replicas func() (*fake, *fake), n int, fault func([][]byte) [][]byte) bool {
	a, b := replicas()
	union := a.clone()
	for _, dot := range b.order {
		union.add(b.versions[dot].text)
	}
	w := newWire(t, a, b)
	if err := w.play(n); err != nil {
		t.Fatal(err)
	}
	side, ok := w.due()
	if !ok {
		return false
	}
	w.ways[side] = fault(w.ways[side])
	for { // to the end, whatever the sessions make of it
		side, ok := w.due()
		if !ok {
			break
		}
		if err := w.deliver(side); err != nil && sentinels(err) == "" {
			t.Errorf("fault at frame %d: an error without a name: %v", n, err)
		}
	}
	for i, s := range w.sessions {
		_ = s.Close() // judged by what the replicas hold
		for dot := range w.fakes[i].versions {
			if union.versions[dot].text != w.fakes[i].versions[dot].text {
				t.Fatalf("fault at frame %d: side %d holds %s, which nobody wrote", n, i, dot)
			}
		}
	}
	syncOnce(t, a, b)
	if a.held() != union.held() || b.held() != union.held() {
		t.Errorf("fault at frame %d: A holds %s, B holds %s, want %s", n, a.held(), b.held(), union.held())
	}
	return true
}

// TestTruncatedFrames cuts every frame of the conversations at every byte.
func TestTruncatedFrames(t *testing.T) {
	for _, replicas := range conversations() {
		for n := 0; ; n++ {
			a, b := replicas()
			w := newWire(t, a, b)
			if err := w.play(n); err != nil {
				t.Fatal(err)
			}
			side, ok := w.due()
			if !ok {
				break
			}
			s, frame := w.sessions[side], w.ways[side][0]
			before := *s
			for size := range frame {
				*s = before
				if err := s.Receive(frame[:size:size]); !errors.Is(err, ErrMalformed) {
					t.Fatalf("%s cut to %d bytes: %v, want ErrMalformed", a.world.describe(frame), size, err)
				}
			}
		}
	}
}

// TestMessagesRoundTrip encodes drawn messages, decodes them and encodes them again.
func TestMessagesRoundTrip(t *testing.T) {
	bytes32 := rapid.Custom(func(t *rapid.T) [32]byte {
		return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "32 bytes"))
	})
	tip := rapid.Custom(func(t *rapid.T) clock.Entry {
		id := clock.ID(bytes32.Draw(t, "id"))
		return clock.Entry{Author: bytes32.Draw(t, "author"), Seq: rapid.Uint64().Draw(t, "seq"), ID: id.Prefix()}
	})
	vector := rapid.Map(rapid.SliceOfN(tip, 0, 8), func(tips []clock.Entry) clock.Vector { return clock.NewVector(tips...) })
	refusal := rapid.Custom(func(t *rapid.T) Refusal {
		text := clean(rapid.String().Draw(t, "text"), MaxText)
		return Refusal{Author: bytes32.Draw(t, "author"), Seq: rapid.Uint64().Draw(t, "seq"), ID: bytes32.Draw(t, "id"), Text: text}
	})
	rapid.Check(t, func(t *rapid.T) {
		h := hello{
			space: bytes32.Draw(t, "space"), author: bytes32.Draw(t, "author"), wall: rapid.Int64Min(0).Draw(t, "wall"),
			strategies: rapid.SliceOfN(rapid.SampledFrom([]string{"lww/1", "mv/1", "ours/7"}), 0, 5).Draw(t, "strategies"),
			tips:       bytes32.Draw(t, "tips"), state: bytes32.Draw(t, "state"), stay: rapid.Bool().Draw(t, "stay"),
		}
		if rapid.Bool().Draw(t, "proven") {
			h.proof = rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "proof")
		}
		recoded(t, h.encode(), (*decoder).hello)
		recoded(t, have{clock: vector.Draw(t, "clock"), last: rapid.Bool().Draw(t, "last")}.encode(), (*decoder).have)
		recoded(t, end{packs: rapid.Uint64().Draw(t, "packs")}.encode(), (*decoder).endOfPacks)
		p := Pack{Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "pack")}
		recoded(t, p.encode(), (*decoder).pack)
		around := p
		around.Frame = append(make([]byte, FrameRoom+rapid.IntRange(0, 3).Draw(t, "room")), p.Bytes...)
		if !bytes.Equal(around.encode(), p.encode()) {
			t.Fatalf("%x, made where its pack lies, became %x", p.encode(), around.encode())
		}
		k := ack{
			packs: rapid.Uint64().Draw(t, "packs"), end: rapid.Bool().Draw(t, "end"), clock: vector.Draw(t, "clock"),
			refused:  9,
			refusals: rapid.SliceOfN(refusal, 0, 3).Draw(t, "refusals"),
		}
		if rapid.Bool().Draw(t, "told") {
			tips, state := Digest(bytes32.Draw(t, "tips")), Digest(bytes32.Draw(t, "state"))
			k.tips, k.state = &tips, &state
		}
		k.whole = k.end && rapid.Bool().Draw(t, "whole")
		recoded(t, k.encode(), (*decoder).ack)
		recoded(t, ack{packs: k.packs, whole: true}.encode(), (*decoder).ack)
		recoded(t, Presence{
			Author: bytes32.Draw(t, "author"), Origin: Instance(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "origin")), Seq: rapid.Uint64().Draw(t, "seq"),
			Hops: rapid.Uint64Range(0, MaxHops-1).Draw(t, "hops"), Body: rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "body"),
		}.encode(), (*decoder).presence)
		y := bye{reason: Reason(rapid.Uint64().Draw(t, "reason")), text: clean(rapid.String().Draw(t, "text"), MaxText)}
		recoded(t, y.encode(), (*decoder).bye)
	})
}

func recoded[M interface{ encode() []byte }](t *rapid.T, frame []byte, decode func(*decoder) (M, *failure)) {
	d, err := open(frame)
	if err != nil {
		t.Fatal(err)
	}
	m, err := decode(d)
	if err != nil {
		t.Fatal(err)
	}
	if again := m.encode(); !bytes.Equal(again, frame) {
		t.Fatalf("%x\nbecame\n%x", frame, again)
	}
}
