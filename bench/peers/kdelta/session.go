package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/identity"
)

// traces is where the recorded sessions are, seen from the root of the module; the README there says whose they are.
const traces = "crdt/sequence/testdata"

// session is a recorded session as what its people wrote, and answers who saw whom.
type session struct {
	people   int
	versions []version
	by       [][]int // of each person, his versions
}

// version is one transaction of somebody.
type version struct {
	person  int
	parents []int
	ops     []sequence.Op
	// seen is for each person the last dot that is in its past, its own included.
	seen []uint64
}

// recorded is a session as its file has it.
type recorded struct {
	Agents int `json:"numAgents"` // 0 where there is one, and no parents are named
	Txns   []struct {
		Agent   int     `json:"agent"`
		Parents []int   `json:"parents"`
		Patches []patch `json:"patches"`
	} `json:"txns"`
}

// patch is [position, removed, inserted].
type patch sequence.Splice

func (p *patch) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&p.Pos, &p.Removed, &p.Text})
}

func readSession(name string) (*session, error) {
	file, err := os.ReadFile(filepath.Join(traces, name+".json.gz"))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var r recorded
	if err := json.NewDecoder(z).Decode(&r); err != nil {
		return nil, err
	}
	s := &session{people: max(1, r.Agents)}
	s.by = make([][]int, s.people)
	for i, txn := range r.Txns {
		if r.Agents == 0 && i > 0 {
			txn.Parents = []int{i - 1}
		}
		s.add(txn.Agent, txn.Parents, txn.Patches)
	}
	return s, nil
}

func (s *session) add(person int, parents []int, patches []patch) {
	v := version{person: person, parents: parents, seen: make([]uint64, s.people)}
	for _, p := range parents {
		for i, seq := range s.versions[p].seen {
			v.seen[i] = max(v.seen[i], seq)
		}
	}
	for _, p := range patches {
		op := sequence.Op{Dot: sequence.Dot{Author: authorOf(person), Seq: v.seen[person] + 1}, Splice: sequence.Splice(p)}
		v.seen[person] += uint64(op.Width())
		v.ops = append(v.ops, op)
	}
	s.by[person] = append(s.by[person], len(s.versions))
	s.versions = append(s.versions, v)
}

// authorOf is the name of a person.
func authorOf(person int) identity.Author { return identity.Author{byte(person)} }

// before is the versions that one with these parents comes after and that are not in seen, in their order; they are put there.
func (s *session) before(seen []bool, parents []int) (found []int) {
	for open := slices.Clone(parents); len(open) > 0; {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if !seen[i] {
			seen[i] = true
			found = append(found, i)
			open = append(open, s.versions[i].parents...)
		}
	}
	slices.Sort(found)
	return found
}

// Covers reports whether who wrote b had seen a.
func (s *session) Covers(b, a sequence.Dot) bool {
	by := s.by[b.Author[0]]
	i := sort.Search(len(by), func(i int) bool { return s.versions[by[i]].seen[b.Author[0]] >= b.Seq })
	return s.versions[by[i]].seen[a.Author[0]] >= a.Seq
}

// Stamp is not asked: nobody is forked, and a text moves nothing.
func (s *session) Stamp(d sequence.Dot) clock.Stamp {
	return clock.Stamp{Author: d.Author, Seq: d.Seq}
}
