package crdttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

func TestBuiltinStrategies(t *testing.T) {
	for _, s := range []crdt.Strategy{crdt.LWW(), crdt.MV(), crdt.Max(), crdt.Min(), crdt.Union(), crdt.Fields()} {
		t.Run(s.Name(), func(t *testing.T) { TestStrategy(t, s, canon.Bool(false)) })
	}
}

// A strategy may prefer by value, and may refuse.
func TestHonestStrategies(t *testing.T) {
	longest := plant("longest/1", func(c crdt.Siblings) (crdt.Value, error) {
		best := crdt.Value(nil)
		for _, s := range c.Values {
			if len(s.Value) > len(best) {
				best = s.Value
			}
		}
		return best, nil
	})
	TestStrategy(t, longest)
	TestStrategy(t, plant("refuses/2", func(crdt.Siblings) (crdt.Value, error) { return nil, errors.New("not mine") }))
}

type planted struct {
	name    string
	resolve func(crdt.Siblings) (crdt.Value, error)
}

func plant(name string, resolve func(crdt.Siblings) (crdt.Value, error)) planted {
	return planted{name, resolve}
}

func (p planted) Name() string { return p.name }

func (p planted) Resolve(c crdt.Siblings) (crdt.Value, error) { return p.resolve(c) }

// recorder counts faults instead of failing.
type recorder struct{ faults []string }

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

func first(c crdt.Siblings) crdt.Value {
	for _, s := range c.Values {
		if !s.Deleted {
			return s.Value
		}
	}
	return canon.Null()
}

func last(c crdt.Siblings) crdt.Value {
	for i := len(c.Values) - 1; i >= 0; i-- {
		if !c.Values[i].Deleted {
			return c.Values[i].Value
		}
	}
	return canon.Null()
}

func number(n int64) crdt.Value { return canon.AppendInt(nil, n) }

// either answers in one of two ways.
func either(c crdt.Siblings, way bool) (crdt.Value, error) {
	if way {
		return first(c), nil
	}
	return last(c), nil
}

// plants are strategies that each break a law.
func plants() map[string]planted {
	calls, seen := int64(0), map[string]crdt.Value{}
	var previous crdt.Value
	return map[string]planted{
		"named": plant("No Version", func(c crdt.Siblings) (crdt.Value, error) { return first(c), nil }),
		"idempotent": plant("adds/1", func(crdt.Siblings) (crdt.Value, error) {
			calls++
			return number(calls), nil
		}),
		// The answer to a set is merged with what was shown for the part of it that arrived earlier.
		"commutative": plant("incremental/1", func(c crdt.Siblings) (crdt.Value, error) {
			id := string(c.Base)
			if v, ok := seen[id]; ok && len(c.Values) > 2 {
				return v, nil
			}
			seen[id] = first(c)
			return first(c), nil
		}),
		"blind": plant("remembers/1", func(c crdt.Siblings) (crdt.Value, error) {
			defer func() { previous = first(c) }()
			return either(c, len(previous) > len(c.Base))
		}),
		"timeless: years":   plant("years/1", func(c crdt.Siblings) (crdt.Value, error) { return either(c, time.Now().Year() == 2000) }),
		"timeless: seconds": plant("seconds/1", func(c crdt.Siblings) (crdt.Value, error) { return either(c, time.Now().Second() == 0) }),
		"timeless: nanos":   plant("nanos/1", func(c crdt.Siblings) (crdt.Value, error) { return number(time.Now().UnixNano() % 1e9), nil }),
		"idempotent: random": plant("random/1", func(c crdt.Siblings) (crdt.Value, error) {
			return either(c, rand.IntN(2) == 0)
		}),
		"canonical":          plant("garbage/1", func(crdt.Siblings) (crdt.Value, error) { return crdt.Value{0xc1}, nil }),
		"canonical: nothing": plant("nothing/1", func(crdt.Siblings) (crdt.Value, error) { return nil, nil }),
		"calm":               plant("panics/1", func(crdt.Siblings) (crdt.Value, error) { panic("planted") }),
		"calm: changes": plant("changes/1", func(c crdt.Siblings) (crdt.Value, error) {
			c.Values[0].Value, c.Values[0].Deleted = number(1), false
			return number(1), nil
		}),
	}
}

func TestPlantsAreFound(t *testing.T) {
	for name, s := range plants() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{}
				prove(r, s, nil)
				law, _, _ := strings.Cut(name, ":")
				for _, fault := range r.faults {
					if strings.HasPrefix(fault, "not "+law) {
						return
					}
				}
				t.Errorf("it was not found to be not %s; found %q", law, r.faults)
			})
		})
	}
}
