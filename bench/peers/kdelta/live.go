package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
)

// typed types a session live: each transaction is a version, which goes to the other people where they had it.
func typed(folder, name string) (result, error) {
	s, err := readSession(name)
	if err != nil {
		return result{}, err
	}
	var updates [][]byte
	took, text, err := measure(nothing, func(none) (*sequence.Text, error) {
		m := newMeeting(s)
		err := m.hold()
		updates = m.updates
		return m.people[0].text, err
	})
	if err == nil && s.people > 1 {
		err = keepBoth(folder, text)
	}
	if err == nil {
		err = keep(folder, "updates", joined(updates))
	}
	if err != nil {
		return result{}, err
	}
	bytes := 0
	for _, u := range updates {
		bytes += len(u)
	}
	return result{cost: took, Bytes: float64(bytes) / float64(len(updates)), Text: hashOf(text.String())}, nil
}

// apply applies the updates of a session to an empty text one by one.
func apply(folder, name string) (result, error) {
	s, err := readSession(name) // to answer who saw whom
	if err != nil {
		return result{}, err
	}
	file, err := os.ReadFile(filepath.Join(folder, "updates"))
	if err != nil {
		return result{}, err
	}
	updates := split(file)
	took, text, err := measure(nothing, func(none) (*sequence.Text, error) {
		text := sequence.NewText(s)
		for _, u := range updates {
			if err := receive(text, u); err != nil {
				return nil, err
			}
		}
		return text, nil
	})
	if err != nil {
		return result{}, err
	}
	return result{cost: took, Text: hashOf(text.String())}, nil
}

// meeting is people who type a session live.
type meeting struct {
	*session
	people  []person
	updates [][]byte      // of each version
	refs    []history.Ref // of each version
}

// person is somebody who types.
type person struct {
	text *sequence.Text
	seen []bool // by version
	last history.Ref
}

func newMeeting(s *session) *meeting {
	n := len(s.versions)
	m := &meeting{session: s, people: make([]person, s.people), updates: make([][]byte, n), refs: make([]history.Ref, n)}
	for i := range m.people {
		m.people[i] = person{text: sequence.NewText(s), seen: make([]bool, n)}
	}
	return m
}

// hold lets everybody type what he did, and the first one take in everything in the end.
func (m *meeting) hold() error {
	for i := range m.versions {
		v := &m.versions[i]
		p := &m.people[v.person]
		if err := errors.Join(m.catchUp(p, v.parents...), splice(p.text, v), m.publish(p, i)); err != nil {
			return err
		}
		p.seen[i] = true
	}
	for _, theirs := range m.by {
		if err := m.catchUp(&m.people[0], theirs[len(theirs)-1]); err != nil {
			return err
		}
	}
	return nil
}

// catchUp takes in what versions with these parents come after.
func (m *meeting) catchUp(p *person, parents ...int) error {
	for _, i := range m.before(p.seen, parents) {
		if err := receive(p.text, m.updates[i]); err != nil {
			return err
		}
	}
	return nil
}

// publish makes a version an update: hashed, and a run of its own.
func (m *meeting) publish(p *person, i int) error {
	v := &m.versions[i]
	draft := history.Draft{Author: authorOf(v.person), Prev: p.last, Time: clock.Next(int64(i+1), 0)}
	for _, parent := range v.parents {
		if ref := m.refs[parent]; ref != p.last {
			draft.Deps = append(draft.Deps, ref)
		}
	}
	for _, op := range v.ops {
		o, err := crdt.TextSplice("text/body", op.Pos, op.Removed, op.Text)
		if err != nil {
			return err
		}
		draft.Ops = append(draft.Ops, history.Op{Op: o})
	}
	made, err := history.New(draft)
	if err != nil {
		return err
	}
	p.last, m.refs[i] = made.Ref(), made.Ref()
	m.updates[i], err = history.AppendRun(nil, []history.Version{made})
	return err
}

// receive reads an update, which judges and hashes its versions, and applies it to a text.
func receive(text *sequence.Text, update []byte) error {
	versions, err := history.DecodeRun(identity.Space{}, update)
	if err != nil {
		return err
	}
	for i := range versions {
		v := &versions[i]
		dot := sequence.Dot{Author: v.Author, Seq: v.Seq - v.Width + 1}
		for _, op := range v.Ops() {
			pos, removed, inserted, err := op.TextSplice()
			if err != nil {
				return err
			}
			s := sequence.Splice{Pos: pos, Removed: removed, Text: inserted}
			if _, err := text.Apply(sequence.Op{Dot: dot, Splice: s}); err != nil {
				return err
			}
			dot.Seq += uint64(s.Width())
		}
	}
	return nil
}
