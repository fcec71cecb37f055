package replicatest

import (
	"errors"

	"github.com/kdelta/kdelta/crdt"
)

// rareName is a strategy that only some replicas know.
const rareName = "rare/1"

// applicationStrategies are what the applications of a world register: good ones, and one that misbehaves.
func applicationStrategies() []crdt.Strategy {
	return []crdt.Strategy{longest("longest/1"), longest(rareName), broken{}, fromBase{}}
}

// longest shows the value with the most bytes, the oldest of these.
type longest string

func (l longest) Name() string { return string(l) }

func (l longest) Resolve(c crdt.Siblings) (crdt.Value, error) {
	var best crdt.Value
	for _, s := range c.Values {
		if len(s.Value) > len(best) {
			best = s.Value
		}
	}
	return best, nil
}

// broken does what a strategy must not do, in a way that depends on the values alone.
type broken struct{}

func (broken) Name() string { return "broken/1" }

func (broken) Resolve(c crdt.Siblings) (crdt.Value, error) {
	n := 0
	for _, s := range c.Values {
		n += len(s.Value)
	}
	switch n % 5 {
	case 0:
		panic("this strategy panics")
	case 1:
		return nil, errors.New("this strategy gives up")
	case 2:
		return crdt.Value{0xc1}, nil
	case 3:
		return nil, nil
	}
	return c.Values[0].Value, nil
}

// fromBase shows the base, and without one the oldest value.
type fromBase struct{}

func (fromBase) Name() string { return "from-base/1" }

func (fromBase) NeedsBase() bool { return true }

func (fromBase) Resolve(c crdt.Siblings) (crdt.Value, error) {
	if c.Base != nil {
		return c.Base, nil
	}
	for _, s := range c.Values {
		if !s.Deleted {
			return s.Value, nil
		}
	}
	return nil, nil
}
