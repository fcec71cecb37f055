package replicatest

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"slices"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

// Config says what world to run.
type Config struct {
	// Seed decides everything that follows.
	Seed uint64
	// Steps is how many things happen before the world heals; 0 means 200.
	Steps int
	// Trace, if it is not nil, gets a line for each thing that happens.
	Trace io.Writer
}

// Outcome is what a run came to.
type Outcome struct {
	// Err is the invariant that did not hold, nil if all did.
	Err error
	// Hash is over the trace: equal for equal seeds and equal code.
	Hash [32]byte
	// Counts says how often each thing happened.
	Counts map[string]int
	// Versions is how many versions the world made.
	Versions int
}

// World is a run: replicas, the network between them, and what goes wrong.
type World struct {
	ctx     context.Context
	rng     *rand.Rand
	now     int64 // virtual time in ms
	events  events
	ordinal uint64
	steps   int

	model    *Model
	devices  []*device
	sessions []*session
	blocked  map[[2]int]bool // one way each
	evil     *evil
	arriving []history.Version // what the scripted peer made and all must come to have
	pictures map[string]picture
	defined  map[bool]*definitions // the last ones, for whoever knows the rare strategy and who does not
	bases    map[string]string     // where the sides of conflicts parted, by entry
	// rewrote are the authors as which somebody has written versions again.
	rewrote map[identity.Author]bool
	// again are the versions that were written again, and what stands for them.
	again    map[int]int
	invite   string
	readOnly string

	trace  io.Writer
	hash   hash.Hash
	counts map[string]int
}

// violation is how a check ends a run.
type violation struct{ text string }

// Run makes a world from its seed, lets it happen, heals it and checks it.
func Run(cfg Config) (out Outcome) {
	w := &World{
		ctx: context.Background(), rng: rand.New(rand.NewPCG(cfg.Seed, 0x6b64656c7461)), steps: cfg.Steps,
		blocked: make(map[[2]int]bool), pictures: make(map[string]picture), defined: make(map[bool]*definitions), bases: make(map[string]string),
		rewrote: make(map[identity.Author]bool), again: make(map[int]int), model: NewModel(applicationStrategies()...),
		trace: cfg.Trace, hash: sha256.New(), counts: make(map[string]int),
	}
	if w.steps == 0 {
		w.steps = 200
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case violation:
			out.Err = fmt.Errorf("seed %d: %s", cfg.Seed, p.text)
		default:
			out.Err = fmt.Errorf("seed %d: panic: %v\n%s", cfg.Seed, p, debug.Stack())
		}
		out.Counts, out.Versions = w.counts, w.model.Len()
		w.hash.Sum(out.Hash[:0])
	}()
	w.populate()
	w.live()
	w.heal()
	return out
}

// failf ends the run.
func (w *World) failf(invariant, format string, args ...any) {
	panic(violation{invariant + ": " + fmt.Sprintf(format, args...)})
}

// tracef says what happens.
func (w *World) tracef(format string, args ...any) {
	line := fmt.Sprintf("%8d  %s\n", w.now, fmt.Sprintf(format, args...))
	w.hash.Write([]byte(line))
	if w.trace != nil {
		io.WriteString(w.trace, line) //nolint:errcheck // a trace is for a person
	}
}

// count notes that something happened.
func (w *World) count(what string) { w.counts[what]++ }

// chance is true in p of 100 cases.
func (w *World) chance(p int) bool { return w.rng.IntN(100) < p }

func pick[T any](w *World, of []T) T { return of[w.rng.IntN(len(of))] }

// event is something that happens at an instant.
type event struct {
	at      int64
	ordinal uint64
	run     func()
}

type events []event

func (e events) Len() int { return len(e) }

func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].ordinal < e[j].ordinal
}

func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *events) Push(x any) { *e = append(*e, x.(event)) }

// Pop implements heap.Interface.
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// after lets something happen later.
func (w *World) after(ms int64, run func()) {
	w.ordinal++
	heap.Push(&w.events, event{w.now + ms, w.ordinal, run})
}

// populate makes the first replica and its space, and lets the others join.
func (w *World) populate() {
	first := w.newDevice(w.chance(50))
	first.open(nil)
	for _, ns := range []struct {
		name string
		replica.Settings
	}{{"f", replica.Settings{Strategy: "fields"}}, {"m", replica.Settings{Strategy: "lww", Erasable: w.chance(50)}}} {
		if _, err := first.r.SetSettings(w.ctx, ns.name, ns.Settings); err != nil {
			w.failf("setup", "settings: %v", err)
		}
	}
	var err error
	if w.invite, err = first.r.Invite(w.ctx, replica.InviteOptions{}); err != nil {
		w.failf("setup", "invite: %v", err)
	}
	if w.readOnly, err = first.r.Invite(w.ctx, replica.InviteOptions{ReadOnly: true}); err != nil {
		w.failf("setup", "invite: %v", err)
	}
	first.mayWrite = true
	first.ingest()
	first.mayWrite = false
	n := 3 + w.rng.IntN(3)
	for i := 1; i < n; i++ {
		d := w.newDevice(w.chance(50))
		d.invite = w.invite
		if i >= 2 && w.chance(20) {
			d.invite, d.readOnly = w.readOnly, true
			w.count("read-only member")
		}
		d.openUntilUp()
	}
	if w.chance(60) {
		w.evil = newEvil(w)
	}
	w.tracef("%d replicas", n)
}

// live lets steps happen, and everything that they set off.
func (w *World) live() {
	for range w.steps {
		until := w.now + int64(w.rng.IntN(40))
		for len(w.events) > 0 && w.events[0].at <= until {
			e := heap.Pop(&w.events).(event)
			w.now = max(w.now, e.at)
			e.run()
		}
		w.now = until
		w.step()
	}
}

// up are the replicas that run.
func (w *World) up() []*device {
	return slices.DeleteFunc(slices.Clone(w.devices), func(d *device) bool { return d.r == nil })
}
