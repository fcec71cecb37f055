package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// The world of these tests: a version is a word.
//
//	a3      the third version of author a; its parent is a2
//	a3'     another third version: author a is forked. a4' is on the same branch
//	b1+a2   the first version of author b, which has seen a2
//
// What a word means is fixed by the word, so a world needs no history; like a real replica, which has the kept seals of
// a forked author, it can tell which versions a tip covers.
type world struct {
	words  map[clock.Prefix]word
	dots   map[string]word
	spaces map[string]identity.Space
}

func newWorld() *world {
	return &world{words: map[clock.Prefix]word{}, dots: map[string]word{}, spaces: map[string]identity.Space{}}
}

func seed(text string) [32]byte { return sha256.Sum256([]byte(text)) }

func authorKey(letter byte) identity.AuthorKey {
	return identity.AuthorKeyFromSeed(seed("author " + string(letter)))
}

func (w *world) space(name string) identity.Space {
	space, ok := w.spaces[name]
	if !ok {
		space = identity.RootKeyFromSeed(seed("root " + name)).Root().Space()
		w.spaces[name] = space
	}
	return space
}

// word is a version taken apart.
type word struct {
	text, dot string // "b1+a2", "b1"
	author    byte
	seq       uint64
	branch    string
	parents   []string // dots
	id        clock.ID
}

var errWord = errors.New("not a version")

func parseDot(dot string) (w word, err error) {
	trimmed := strings.TrimRight(dot, "'")
	if len(trimmed) < 2 || trimmed[0] < 'a' || trimmed[0] > 'z' {
		return w, errWord
	}
	seq, err := strconv.ParseUint(trimmed[1:], 10, 32)
	if err != nil || seq == 0 {
		return w, errWord
	}
	return word{dot: dot, author: trimmed[0], seq: seq, branch: dot[len(trimmed):]}, nil
}

// parse reads a word. The first version of a branch is told from the next ones by its parent: "a3'<a2".
func (w *world) parse(text string) (word, error) {
	head, seen, _ := strings.Cut(text, "+")
	dot, prev, explicit := strings.Cut(head, "<")
	v, err := parseDot(dot)
	if err != nil {
		return v, err
	}
	if !explicit && v.seq > 1 {
		prev = string(v.author) + strconv.FormatUint(v.seq-1, 10) + v.branch
	}
	v.text, v.id = text, sha256.Sum256([]byte(text))
	for _, parent := range append([]string{prev}, strings.Split(seen, "+")...) {
		if parent == "" {
			continue
		}
		if _, err := parseDot(parent); err != nil {
			return v, err
		}
		v.parents = append(v.parents, parent)
	}
	w.words[v.id.Prefix()], w.dots[v.dot] = v, v
	return v, nil
}

func (w *world) mustParse(text string) word {
	v, err := w.parse(text)
	if err != nil {
		panic("the test names " + strconv.Quote(text) + ", which is " + err.Error())
	}
	return v
}

// fake is a replica of the world: a map, and the order in which it came to be.
type fake struct {
	world     *world
	name      string
	space     identity.Space
	author    byte
	instance  byte
	wall      int64
	perPack   int
	padding   int    // spaces behind the versions of a pack
	bug       string // part of the state digest: a fold that differs
	versions  map[string]word
	order     []string // dots
	refuses   map[string]string
	fails     string // the method that fails
	receipts  []Ack
	openFeeds int
	stay      bool
	told      int             // how many of order the feeds have looked at
	came      map[string]bool // what the peer brought
}

func (w *world) replica(name string) *fake {
	return &fake{
		world: w, name: name, space: w.space("notes"), author: strings.ToLower(name)[0], instance: name[0], wall: 1_000,
		perPack: 2, versions: map[string]word{}, refuses: map[string]string{},
	}
}

func (f *fake) clone() *fake {
	c := *f
	c.versions, c.order = maps.Clone(f.versions), slices.Clone(f.order)
	c.refuses, c.receipts, c.came = maps.Clone(f.refuses), nil, nil
	return &c
}

func (f *fake) add(texts ...string) {
	for _, text := range texts {
		v := f.world.mustParse(text)
		if _, ok := f.versions[v.dot]; !ok {
			f.versions[v.dot] = v
			f.order = append(f.order, v.dot)
		}
	}
}

// held names what the replica holds, sorted.
func (f *fake) held() string {
	return strings.Join(slices.Sorted(maps.Keys(f.versions)), " ")
}

var errDisk = errors.New("disk full in /home/ann/notes.db")

func (f *fake) trouble(method string) error {
	if f.fails == method {
		return errDisk
	}
	return nil
}

func (f *fake) Facts() (Facts, error) {
	f.told, f.came = len(f.order), map[string]bool{}
	return Facts{
		Space: f.space, Author: authorKey(f.author).Author(), Instance: Instance{f.instance}, Wall: f.wall,
		Strategies: []string{"fields/1", "lww/1", "max/1", "min/1", "mv/1", "union/1"}, Held: f.snapshot(),
		Stay: f.stay,
	}, f.trouble("facts")
}

func (f *fake) Held() (Held, error) { return f.snapshot(), f.trouble("held") }

func (f *fake) Holds(have clock.Vector) (bool, error) {
	return f.holds(Ack{Clock: have}), f.trouble("holds")
}

func (f *fake) snapshot() (h Held) {
	inner := map[string]bool{}
	for _, v := range f.versions {
		for _, parent := range v.parents {
			if parent[0] == v.author {
				inner[parent] = true
			}
		}
	}
	var entries []clock.Entry
	tips, state := sha256.New(), sha256.New()
	for _, dot := range slices.Sorted(maps.Keys(f.versions)) {
		v := f.versions[dot]
		state.Write(v.id[:])
		if !inner[dot] {
			tips.Write(v.id[:])
			entries = append(entries, clock.Entry{Author: authorKey(v.author).Author(), Seq: v.seq, ID: v.id.Prefix()})
		}
	}
	state.Write([]byte(f.bug))
	tips.Sum(h.Tips[:0])
	state.Sum(h.State[:0])
	h.Clock = clock.NewVector(entries...)
	return h
}

// heads counts the versions that no other has seen.
func (f *fake) heads() int {
	seen := map[string]bool{}
	for _, v := range f.versions {
		for _, parent := range v.parents {
			seen[parent] = true
		}
	}
	return len(f.versions) - len(seen)
}

// past marks what the peer holds: the tips it named and all that they have seen.
func (f *fake) past(have clock.Vector) map[string]bool {
	covered := map[string]bool{}
	var mark func(dot string)
	mark = func(dot string) {
		if covered[dot] {
			return
		}
		covered[dot] = true
		for _, parent := range f.world.dots[dot].parents {
			mark(parent)
		}
	}
	for _, tip := range have {
		if v, ok := f.world.words[tip.ID]; ok {
			mark(v.dot)
		}
	}
	return covered
}

type fakeFeed struct {
	f       *fake
	missing []string
	closed  bool
}

func (f *fake) Missing(have clock.Vector) (Feed, error) {
	if err := f.trouble("missing"); err != nil {
		return nil, err
	}
	feed := &fakeFeed{f: f}
	covered := f.past(have)
	for _, dot := range f.order {
		if !covered[dot] {
			feed.missing = append(feed.missing, dot)
		}
	}
	f.openFeeds++
	f.told = len(f.order)
	return feed, nil
}

func (f *fake) News() (Feed, error) {
	if err := f.trouble("news"); err != nil {
		return nil, err
	}
	feed := &fakeFeed{f: f}
	for _, dot := range f.order[f.told:] {
		if !f.came[dot] {
			feed.missing = append(feed.missing, dot)
		}
	}
	f.told = len(f.order)
	if len(feed.missing) == 0 {
		return nil, nil
	}
	f.openFeeds++
	return feed, nil
}

func (d *fakeFeed) Next() (p Pack, err error) {
	if err := d.f.trouble("feed"); err != nil {
		return p, err
	}
	if len(d.missing) == 0 {
		return p, io.EOF
	}
	p.Versions = min(d.f.perPack, len(d.missing))
	var texts []string
	var tips []clock.Entry
	for _, dot := range d.missing[:p.Versions] {
		v := d.f.versions[dot]
		tips = slices.DeleteFunc(tips, func(e clock.Entry) bool {
			return slices.Contains(v.parents, d.f.world.words[e.ID].dot) && e.Author == authorKey(v.author).Author()
		})
		tips = append(tips, clock.Entry{Author: authorKey(v.author).Author(), Seq: v.seq, ID: v.id.Prefix()})
		texts = append(texts, d.f.versions[dot].text)
	}
	p.Tips = clock.NewVector(tips...)
	d.missing = d.missing[p.Versions:]
	p.Bytes = []byte(strings.Join(texts, " ") + strings.Repeat(" ", d.f.padding))
	return p, nil
}

func (d *fakeFeed) Close() error {
	if d.closed {
		return errors.New("a feed closed twice")
	}
	d.closed = true
	d.f.openFeeds--
	return d.f.trouble("close")
}

func (f *fake) Apply(pack []byte) (a Applied, err error) {
	if err := f.trouble("apply"); err != nil {
		return a, err
	}
	heads := max(1, f.heads())
	refused := map[string]bool{}
	for text := range strings.FieldsFuncSeq(string(pack), unicode.IsSpace) {
		f.applyWord(text, refused, &a)
	}
	a.Conflicts = max(0, f.heads()-heads)
	return a, nil
}

func (f *fake) applyWord(text string, refused map[string]bool, a *Applied) {
	v, err := f.world.parse(text)
	if err != nil {
		a.Refused = append(a.Refused, Refusal{Text: strconv.Quote(text) + " is " + err.Error()})
		return
	}
	if _, ok := f.versions[v.dot]; ok {
		a.Duplicates++
		return
	}
	why, bad := f.refuses[v.dot]
	waits := false
	for _, parent := range v.parents {
		_, held := f.versions[parent]
		switch {
		case refused[parent] || f.refuses[parent] != "":
			why, bad = "depends on "+parent, true
		case !held:
			waits = true
		}
	}
	switch {
	case bad:
		refused[v.dot] = true
		a.Refused = append(a.Refused, Refusal{Author: authorKey(v.author).Author(), Seq: v.seq, ID: v.id, Text: why})
	case waits:
		a.Pending++
	default:
		if f.came != nil {
			f.came[v.dot] = true
		}
		for _, other := range f.versions {
			if other.author == v.author && other.seq == v.seq {
				a.Forks++
			}
		}
		f.add(text)
		a.Versions++
	}
}

func (f *fake) Meet(Peer, int64) (*Held, error) {
	return nil, f.trouble("meet")
}

func (f *fake) Acknowledge(peer Peer, ack Ack) error {
	f.receipts = append(f.receipts, ack)
	return f.trouble("acknowledge")
}

// holds reports whether every version that ack says the peer holds is one that it does hold.
func (f *fake) holds(ack Ack) bool {
	for _, tip := range ack.Clock {
		dot := f.world.words[tip.ID].dot
		if v, ok := f.versions[dot]; !ok || !bytes.Equal(v.id[:16], tip.ID[:]) {
			return false
		}
	}
	return true
}
