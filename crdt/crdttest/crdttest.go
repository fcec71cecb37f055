package crdttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// TestStrategy proves that a strategy keeps the laws in the package documentation, on sets of siblings made of the given
// values and odd ones of the kit's own. It fails t for every law that is broken, with the siblings that show it.
func TestStrategy(t *testing.T, s crdt.Strategy, values ...crdt.Value) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		prove(t, s, values)
	})
}

// reporter is the part of testing.TB that the proof uses, so that the kit's own tests can count faults.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

const (
	sets    = 60
	repeats = 4
	seed    = 1 // the kit is deterministic itself: a failure repeats
)

func prove(t reporter, s crdt.Strategy, values []crdt.Value) {
	t.Helper()
	if err := named(s); err != nil {
		t.Errorf("not named: %v", err)
		return
	}
	random := rand.New(rand.NewPCG(seed, seed))
	all := make([]*siblings, sets)
	for i := range all {
		all[i] = draw(random, slices.Concat(values, oddValues()))
	}
	p := &proof{t: t, strategy: s, said: make(map[string]bool)}
	answers := make([]answer, len(all))
	for i, set := range all {
		answers[i] = p.ask(set)
	}
	for i, set := range all {
		p.idempotent(set)
		p.commutative(set)
		p.fallsBack(set, &answers[i])
	}
	p.blind(all, answers, random)
	p.timeless(all, answers)
}

// named checks the name, for a built-in strategy by its being the one registered.
func named(s crdt.Strategy) error {
	builtin, err := crdt.NewRegistry()
	if err != nil {
		return err
	}
	if known, ok := builtin.Lookup(s.Name()); ok && reflect.TypeOf(known) == reflect.TypeOf(s) {
		return nil
	}
	_, err = crdt.NewRegistry(s)
	return err
}

func oddValues() []crdt.Value {
	var out []crdt.Value
	for _, text := range []string{
		"null", "true", "0", "-1", "9007199254740991", "0.5", "1e300", `""`, `"é\u0000"`, `{"$bytes":"AP8="}`, "[]", `["a",1]`, "{}",
		`{"a":1}`, `{"a":{"b":[null]}}`, `{"":""}`,
	} {
		v, err := canon.FromJSON([]byte(text))
		if err != nil {
			panic(err) // the texts are constants
		}
		out = append(out, v)
	}
	return out
}

// answer is what a strategy made of a set of siblings.
type answer struct {
	value crdt.Value
	err   error
	panic any
}

func (a *answer) same(b *answer) bool {
	return string(a.value) == string(b.value) && (a.err == nil) == (b.err == nil) && (a.panic == nil) == (b.panic == nil)
}

func (a *answer) String() string {
	switch {
	case a.panic != nil:
		return fmt.Sprintf("a panic (%v)", a.panic)
	case a.err != nil:
		return "the error " + a.err.Error()
	case a.value == nil:
		return "nothing"
	case canon.Check(a.value) != nil:
		return fmt.Sprintf("the bytes %x", []byte(a.value))
	default:
		return string(a.value.AppendJSON(nil))
	}
}

// proof asks one strategy and reports the first breach of each law.
type proof struct {
	t        reporter
	strategy crdt.Strategy
	said     map[string]bool
}

func (p *proof) fault(law string, set *siblings, format string, args ...any) {
	p.t.Helper()
	if !p.said[law] {
		p.said[law] = true
		p.t.Errorf("not %s: for %s: %s", law, set, fmt.Sprintf(format, args...))
	}
}

// ask calls Resolve directly, and checks what one call can show.
func (p *proof) ask(set *siblings) answer {
	p.t.Helper()
	given := set.given()
	a := resolve(p.strategy, given)
	if !reflect.DeepEqual(given, set.given()) {
		p.fault("calm", set, "it changed the siblings that it was given")
	}
	if a.panic != nil {
		p.fault("calm", set, "%s", &a)
	}
	if a.panic != nil || a.err != nil {
		return a
	}
	deleted := slices.ContainsFunc(given.Values, func(s crdt.Sibling) bool { return s.Deleted })
	if a.value == nil && !deleted {
		p.fault("canonical", set, "it shows nothing, and nothing was deleted")
	} else if a.value != nil && canon.Check(a.value) != nil {
		p.fault("canonical", set, "%v", canon.Check(a.value))
	}
	return a
}

func resolve(s crdt.Strategy, given crdt.Siblings) (a answer) {
	defer func() { a.panic = recover() }()
	a.value, a.err = s.Resolve(given)
	return a
}

func (p *proof) idempotent(set *siblings) {
	first := p.ask(set)
	for range repeats {
		if again := p.ask(set); !again.same(&first) {
			p.fault("idempotent", set, "%s, and asked again %s", &first, &again)
		}
	}
}

// commutative lets the versions arrive in every order, looking after each.
func (p *proof) commutative(set *siblings) {
	var first *crdt.View
	for order := range permutations(len(set.versions)) {
		view, err := set.arrive(p.strategy, order)
		if err != nil {
			p.fault("commutative", set, "%v", err)
			return
		}
		if first == nil {
			first = &view
		}
		if !sameView(&view, first) {
			p.fault("commutative", set, "arriving in the order %v it shows %s, in another %s", order, shown(&view), shown(first))
			return
		}
	}
}

// sameView compares what replicas agree on: all but the fault.
func sameView(a, b *crdt.View) bool {
	return a.Kind == b.Kind && string(a.Value) == string(b.Value) && a.At == b.At && a.Strategy == b.Strategy &&
		a.Revived == b.Revived && reflect.DeepEqual(a.Conflicts, b.Conflicts)
}

func shown(v *crdt.View) string {
	a := answer{value: v.Value}
	return a.String() + " (" + v.Strategy + ")"
}

// fallsBack checks the engine's side of laws 6 and 7: what cannot be shown is LWW's.
func (p *proof) fallsBack(set *siblings, a *answer) {
	view, err := set.arrive(p.strategy, set.ordered())
	if err != nil || a.err == nil && a.panic == nil {
		return
	}
	last, err := set.arrive(crdt.LWW(), set.ordered())
	if err == nil && string(last.Value) != string(view.Value) {
		p.fault("calm", set, "after %s the key shows %s, not what LWW does", a, shown(&view))
	}
}

// blind asks about all sets in other orders.
func (p *proof) blind(all []*siblings, answers []answer, random *rand.Rand) {
	backwards := make([]int, len(all))
	for i := range backwards {
		backwards[i] = len(all) - 1 - i
	}
	for _, order := range [][]int{backwards, random.Perm(len(all)), random.Perm(len(all))} {
		p.again("blind", "asked in another order", all, answers, order)
	}
}

// timeless asks about all sets at other times.
func (p *proof) timeless(all []*siblings, answers []answer) {
	forwards := make([]int, len(all))
	for i := range forwards {
		forwards[i] = i
	}
	const year = 366 * 24 * time.Hour
	for _, pause := range []time.Duration{0, time.Nanosecond, time.Millisecond, time.Second, 61 * time.Minute, 25 * time.Hour, 32 * 24 * time.Hour, year} {
		time.Sleep(pause)
		p.again("timeless", "asked "+pause.String()+" later", all, answers, forwards)
	}
}

func (p *proof) again(law, when string, all []*siblings, answers []answer, order []int) {
	for _, i := range order {
		if a := p.ask(all[i]); !a.same(&answers[i]) {
			p.fault(law, all[i], "%s, and %s %s", &answers[i], when, &a)
		}
	}
}

// String lists the siblings.
func (s *siblings) String() string {
	base := answer{value: s.base}
	parts := make([]string, 0, len(s.versions))
	for _, v := range s.given().Values {
		a := answer{value: v.Value}
		parts = append(parts, v.Stamp.Time.String()+" "+a.String())
	}
	return "base " + base.String() + ", siblings " + strings.Join(parts, " | ")
}

var errNotApplied = errors.New("the siblings could not be applied")
