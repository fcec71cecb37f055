package replica

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// BenchmarkForks applies what an author has written under one dot again and again: the cost of one such version must not grow with
// how many there are, but where all are on one key, whose row holds all of them. The longest commit is what a local write
// waits for at most.
func BenchmarkForks(b *testing.B) {
	for _, shape := range []forkShape{
		{name: "on one key", forks: 500},
		{name: "on one key", forks: 5_000},
		{name: "on one key behind a merge", forks: 500, merge: true},
		{name: "on one key behind a merge", forks: 5_000, merge: true},
		{name: "each on a key", forks: 5_000, keys: true},
		{name: "each on a key", forks: 20_000, keys: true},
		{name: "on one key, each twice", forks: 500, each: 2},
		{name: "on one key, each twice", forks: 5_000, each: 2},
	} {
		b.Run(fmt.Sprintf("%d %s", shape.forks, shape.name), func(b *testing.B) {
			applyForks(b, &shape)
		})
	}
}

// forkShape says how an author forks.
type forkShape struct {
	name  string
	forks int
	each  int  // versions of each branch, 0 for one
	keys  bool // each branch writes a key of its own
	merge bool // they begin behind a version that merges two authors
}

const forksPerPack = 500

// packs are packs with the forks, all of them sealed.
func (shape *forkShape) packs(b *testing.B, member identity.Member) (packs [][]byte) {
	key, other := identity.AuthorKeyFromSeed([32]byte{'f'}), identity.AuthorKeyFromSeed([32]byte{'o'})
	made := 0
	version := func(key identity.AuthorKey, name string, prev *history.Version, deps ...history.Ref) history.Version {
		made++
		value, err := canon.String(fmt.Sprint("value ", made))
		if err != nil {
			b.Fatal(err)
		}
		op, err := crdt.Put("h/"+name, value)
		if err != nil {
			b.Fatal(err)
		}
		d := history.Draft{
			Space: member.Space(), Author: key.Author(), Deps: deps, Ops: []history.Op{{Op: op}},
			Time: clock.Next(1_750_000_000_000+int64(made), 0),
		}
		if prev != nil {
			d.Prev = prev.Ref()
		}
		v, err := history.New(d)
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	var certs []identity.Certificate
	for _, key := range []identity.AuthorKey{key, other} {
		cert, err := member.Certify(key.Author())
		if err != nil {
			b.Fatal(err)
		}
		certs = append(certs, cert)
	}
	var versions []history.Version
	var seals []identity.Seal
	add := func(key identity.AuthorKey, v history.Version) {
		versions = append(versions, v)
		seals = append(seals, key.Seal(member.Space(), v.Seq, v.ID))
	}
	flush := func() {
		p, err := pack.Encode(nil, versions, pack.Options{Seals: seals, Certificates: certs})
		if err != nil {
			b.Fatal(err)
		}
		packs, versions, seals = append(packs, p), nil, nil
	}
	var root *history.Version
	if shape.merge {
		first, second := version(key, "k", nil), version(other, "k", nil)
		merge := version(key, "k", &first, second.Ref())
		add(key, first)
		add(other, second)
		add(key, merge)
		root = &merge
	}
	for i := range shape.forks {
		name, prev := "k", root
		if shape.keys {
			name = fmt.Sprint("k", i)
		}
		for range max(shape.each, 1) {
			v := version(key, name, prev)
			add(key, v)
			prev = &v
		}
		if len(versions) >= forksPerPack {
			flush()
		}
	}
	if len(versions) > 0 {
		flush()
	}
	return packs
}

// timed tells how long the longest commit has taken.
type timed struct {
	store.Store
	longest time.Duration
	commits int
}

func (s *timed) Update(ctx context.Context, fn func(store.Tx) error) error {
	start := time.Now()
	defer func() { s.longest, s.commits = max(s.longest, time.Since(start)), s.commits+1 }()
	return s.Store.Update(ctx, fn)
}

func applyForks(b *testing.B, shape *forkShape) {
	hub, err := Open(b.Context(), memory.New(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	text, err := hub.Invite(b.Context(), InviteOptions{})
	if err != nil {
		b.Fatal(err)
	}
	invite, err := identity.ParseInvite(text)
	if err != nil {
		b.Fatal(err)
	}
	packs := shape.packs(b, identity.FromInvite(invite))
	var longest, next time.Duration
	commits := 0
	for b.Loop() {
		b.StopTimer()
		st := &timed{Store: memory.New()}
		r, err := Join(b.Context(), st, text, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		n := 0
		for _, p := range packs {
			applied, err := (&local{ctx: b.Context(), r: r}).Apply(p)
			if err != nil {
				b.Fatal(err)
			}
			n += applied.Versions
		}
		b.StopTimer()
		if n < shape.forks*max(shape.each, 1) {
			b.Fatalf("applied %d", n)
		}
		longest, st.longest = max(longest, st.longest), 0
		commits += st.commits
		if _, err := r.Set(b.Context(), "a/1", 1); err != nil {
			b.Fatal(err)
		}
		next = max(next, st.longest)
		b.StartTimer()
	}
	b.ReportMetric(float64(commits)/float64(b.N), "commits")
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-commit")
	b.ReportMetric(float64(next.Microseconds())/1000, "ms/next-write")
}
