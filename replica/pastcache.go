package replica

import (
	"bytes"
	"strings"
	"sync"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
)

// pastCache keeps what keys were at times in the past. An entry names the newest version of its key that was applied
// when it was made, and how often something was erased, so it stays true; with the next of either it is not asked for any more.
type pastCache struct {
	mu     sync.Mutex
	states map[pastKey]pastState
}

type pastKey struct {
	key    string
	epoch  uint64
	erased uint64
	last   history.LV
	at     clock.Time
}

// pastState is a state as crdt.SimpleState takes it; others are not kept.
type pastState struct {
	stamp clock.Stamp
	value canon.Value
}

// Bounds of the cache: how many states, and how large their values.
const (
	maxPasts     = 2048
	maxPastValue = 1 << 10
)

func (c *pastCache) get(k pastKey) *crdt.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.states[k]; ok {
		return crdt.SimpleState(p.stamp, p.value)
	}
	return nil
}

// put keeps a state, and makes room by forgetting all others when there is none.
func (c *pastCache) put(k pastKey, state *crdt.State) {
	stamp, value, ok := state.Simple()
	if !ok || len(value) > maxPastValue {
		return
	}
	k.key = strings.Clone(k.key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.states == nil || len(c.states) >= maxPasts {
		c.states = make(map[pastKey]pastState)
	}
	c.states[k] = pastState{stamp, bytes.Clone(value)}
}

func (c *pastCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states = nil
}
