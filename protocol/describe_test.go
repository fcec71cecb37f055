package protocol

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// describe renders a frame for a trace.
func (w *world) describe(frame []byte) string {
	d, err := open(frame)
	if err != nil {
		return fmt.Sprintf("%x", frame)
	}
	kind := d.kind
	var text string
	switch kind {
	case kindHello:
		var m hello
		m, err = d.hello()
		text = fmt.Sprintf("version=%d space=%s author=%s instance=%c wall=%d strategies=%d tips=%x state=%x",
			m.version, w.spaceName(m.space), w.author(m.author), m.instance[0], m.wall, len(m.strategies), m.tips[:3], m.state[:3])
		if m.stay {
			text += " stays"
		}
		if m.version != Version {
			text = fmt.Sprintf("version=%d, the rest unread", m.version)
		}
	case kindHave:
		var m have
		m, err = d.have()
		text = w.tips(m.clock)
		if !m.last {
			text += ", more to come"
		}
		if m.base != nil {
			text += fmt.Sprintf(" since %x", m.base[:3])
		}
	case kindPack:
		var m Pack
		m, err = d.pack()
		text = "[" + string(m.Bytes) + "]"
	case kindEnd:
		var m end
		m, err = d.endOfPacks()
		text = fmt.Sprintf("packs=%d", m.packs)
	case kindAck:
		var m ack
		m, err = d.ack()
		text = fmt.Sprintf("packs=%d end=%t whole=%t beyond=%s", m.packs, m.end, m.whole, w.tips(m.clock))
		if m.tips != nil {
			text += fmt.Sprintf(" tips=%x state=%x", m.tips[:3], m.state[:3])
		}
		text += fmt.Sprintf(" applied=%d refused=%d", m.applied, m.refused)
		text += w.refusals(m.refusals)
	case kindPresence:
		var m Presence
		m, err = d.presence()
		text = fmt.Sprintf("of %c: %d, %d hops %q", m.Origin[0], m.Seq, m.Hops, m.Body)
	case kindName:
		var m name
		m, err = d.named()
		text = fmt.Sprintf("%s, proof of %d bytes", w.author(m.author), len(m.proof))
	case kindBye:
		var m bye
		m, err = d.bye()
		text = fmt.Sprintf("%s %q", m.reason, m.text)
	}
	if err != nil {
		text = strings.TrimPrefix(err.Error(), ErrMalformed.Error()+": ")
	}
	return fmt.Sprintf("%-5s %s", kind, text)
}

func (w *world) tips(v clock.Vector) string {
	var names []string
	for _, tip := range v {
		if named, ok := w.words[tip.ID]; ok {
			names = append(names, named.dot)
		} else {
			names = append(names, fmt.Sprintf("%s@%d", w.author(tip.Author), tip.Seq))
		}
	}
	return "{" + strings.Join(names, " ") + "}"
}

func (w *world) author(author identity.Author) string {
	for letter := byte('a'); letter <= 'z'; letter++ {
		if authorKey(letter).Author() == author {
			return string(letter)
		}
	}
	return author.String()
}

func (w *world) spaceName(space identity.Space) string {
	for name, s := range w.spaces {
		if s == space {
			return name
		}
	}
	return shortSpace(space)
}

func (w *world) refusals(list []Refusal) string {
	var b strings.Builder
	for _, r := range list {
		name := w.words[r.ID.Prefix()].dot
		if r.ID == (clock.ID{}) {
			name = "what has no name"
		}
		fmt.Fprintf(&b, "\n      refused %s: %s", name, r.Text)
	}
	return b.String()
}

// sentinels names the errors that a caller can tell apart in err.
func sentinels(err error) string {
	names := []string{}
	for _, s := range []struct {
		name string
		err  error
	}{
		{"ErrVersion", ErrVersion},
		{"ErrForeignSpace", ErrForeignSpace},
		{"ErrSelf", ErrSelf},
		{"ErrProof", ErrProof},
		{"ErrMalformed", ErrMalformed},
		{"ErrUnexpected", ErrUnexpected},
		{"ErrLocal", ErrLocal},
		{"ErrPeer", ErrPeer},
		{"ErrCut", ErrCut},
	} {
		if errors.Is(err, s.err) {
			names = append(names, s.name)
		}
	}
	return strings.Join(names, "+")
}

// summary renders a report, and what the replica holds.
func (w *world) summary(f *fake, r Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, holds %s", f.name, r.State, f.held())
	fmt.Fprintf(&b, "\n   sent %d versions, %d packs, %d frames, %d bytes", r.Sent.Versions, r.Sent.Packs, r.Sent.Frames, r.Sent.Bytes)
	fmt.Fprintf(&b, "; received %d versions, %d packs, %d frames, %d bytes", r.Received.Versions, r.Received.Packs, r.Received.Frames, r.Received.Bytes)
	for _, fact := range []struct {
		name string
		n    int64
	}{
		{"duplicates", int64(r.Duplicates)},
		{"pending", int64(r.Pending)},
		{"conflicts", int64(r.Conflicts)},
		{"forks", int64(r.Forks)},
		{"refused", int64(r.RefusedCount)},
		{"refused by peer", int64(r.RefusedByPeerCount)},
		{"applied by peer", int64(r.AppliedByPeer)},
		{"skew", r.Skew},
	} {
		if fact.n != 0 {
			fmt.Fprintf(&b, "; %s %d", fact.name, fact.n)
		}
	}
	if r.Live {
		b.WriteString("; live")
	}
	if r.Unacked > 0 {
		fmt.Fprintf(&b, "; %d packs not acked", r.Unacked)
	}
	if r.Equal {
		b.WriteString("; equal")
	}
	if r.Copy {
		b.WriteString("; COPY")
	}
	if r.Diverged {
		b.WriteString("; DIVERGED")
	}
	if len(f.receipts) > 0 {
		var known clock.Vector
		for _, receipt := range f.receipts {
			if !receipt.Live {
				known = nil // it tells all again
			}
			known = known.Join(receipt.Clock)
		}
		fmt.Fprintf(&b, "; knows that the peer holds %s", w.tips(known))
	}
	b.WriteString(w.refusals(r.Refused))
	if r.Err != nil {
		fmt.Fprintf(&b, "\n   %s: %v", sentinels(r.Err), r.Err)
	}
	return b.String()
}
