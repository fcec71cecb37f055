package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// kdelta's own namespaces hold ordinary last-write-wins records, replicated like all others.
const (
	strategyPrefix  = ".strategy/" // NAMESPACE → the versioned name of its merge strategy
	erasablePrefix  = ".erasable/" // NAMESPACE → true
	tagPrefix       = ".tag/"      // NAME → the frontier that it names
	authorPrefix    = ".author/"   // AUTHOR → {"device", "person"}
	defaultStrategy = "lww/1"
)

// Settings are what all replicas of a space agree on for one namespace.
type Settings struct {
	// Strategy is the versioned name of the merge strategy, as "lww/1".
	Strategy string
	// Erasable namespaces keep their values apart from the versions, so that they can be destroyed later.
	Erasable bool
}

// settingOf is the namespace that a settings record is of; false for other keys, and for records of kdelta's own namespaces, which
// have the default settings for ever.
func settingOf(key string) (ns string, ok bool) {
	if ns, ok = strings.CutPrefix(key, strategyPrefix); !ok {
		ns, ok = strings.CutPrefix(key, erasablePrefix)
	}
	return ns, ok && !strings.HasPrefix(ns, ".")
}

// strategyName reads the name of a namespace's strategy.
func strategyName(tx store.Tx, ns string) (string, error) {
	b, err := tx.Get(store.Docs, []byte(strategyPrefix+ns))
	if errors.Is(err, store.ErrNotFound) {
		return defaultStrategy, nil
	}
	if err != nil {
		return "", err
	}
	row, err := store.DecodeDoc(b)
	if err != nil {
		return "", err
	}
	return nameIn(row.Value), nil
}

// nameIn reads a strategy's name from the JSON of its record; anything else is the default.
func nameIn(json []byte) string {
	if json == nil {
		return defaultStrategy
	}
	v, err := canon.FromJSON(json)
	if err != nil {
		return defaultStrategy
	}
	name, ok := v.AsString()
	if !ok || name == "" {
		return defaultStrategy
	}
	return name
}

// settingsFrom reads what a settings record says after this commit's changes into s.
func (c *commit) settingsFrom(e *entry, s *Settings) error {
	view, err := c.snap().viewOf(e.key, e.state, crdt.LWW())
	if err != nil {
		return err
	}
	var json []byte
	if view.Value != nil {
		json = view.Value.AppendJSON(nil)
	}
	if strings.HasPrefix(e.key, strategyPrefix) {
		s.Strategy = nameIn(json)
	} else {
		s.Erasable = string(json) == "true"
	}
	return nil
}

// Settings returns a namespace's settings.
func (r *Replica) Settings(ctx context.Context, ns string) (Settings, error) {
	var s Settings
	err := r.view(ctx, func(snap *snap) error {
		var err error
		s, err = readSettings(snap.tx, ns)
		return err
	})
	return s, err
}

// readSettings reads a namespace's settings.
func readSettings(tx store.Tx, ns string) (Settings, error) {
	if strings.HasPrefix(ns, ".") {
		return Settings{Strategy: defaultStrategy}, nil
	}
	name, err := strategyName(tx, ns)
	if err != nil {
		return Settings{}, err
	}
	erasable, err := isErasable(tx, ns)
	return Settings{Strategy: name, Erasable: erasable}, err
}

func isErasable(tx store.Tx, ns string) (bool, error) {
	b, err := tx.Get(store.Docs, []byte(erasablePrefix+ns))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	row, err := store.DecodeDoc(b)
	return err == nil && string(row.Value) == "true", err
}

// SetSettings changes a namespace's settings on all replicas. What is zero stays as it is: an empty Strategy leaves the strategy,
// and a namespace that is erasable remains so. A short name of a strategy means the newest version known here. The zero Version
// says that nothing had to change.
func (r *Replica) SetSettings(ctx context.Context, ns string, s Settings) (Version, error) {
	if err := crdt.CheckKey(strategyPrefix + ns); err != nil || strings.Contains(ns, "/") {
		return Version{}, fmt.Errorf("namespace %q: %w", ns, errors.Join(err, crdt.CheckKey(ns+"/x")))
	}
	if strings.HasPrefix(ns, ".") {
		return Version{}, fmt.Errorf("%w: %q", ErrReserved, ns)
	}
	name := ""
	if s.Strategy != "" {
		strategy, ok := r.registry.Lookup(s.Strategy)
		if !ok {
			return Version{}, fmt.Errorf("%w: %q; known are %s", ErrUnknownStrategy, s.Strategy,
				strings.Join(r.registry.Names(), ", "))
		}
		name = strategy.Name()
	}
	return r.updateSystem(ctx, func(tx *Tx) error {
		now, err := tx.c.settingsOf(ns)
		if err != nil {
			return err
		}
		if name != "" && name != now.Strategy {
			if err := tx.Set(strategyPrefix+ns, name); err != nil {
				return err
			}
		}
		if !s.Erasable || now.Erasable {
			return nil
		}
		return tx.Set(erasablePrefix+ns, true)
	})
}

// updateSystem is Update with the right to write to kdelta's own namespaces.
func (r *Replica) updateSystem(ctx context.Context, fn func(*Tx) error) (Version, error) {
	var v Version
	err := r.writeUser(ctx, func(c *commit) error {
		tx := &Tx{c: c, system: true}
		if err := fn(tx); err != nil || len(tx.ops) == 0 {
			return err
		}
		var err error
		v, err = c.write(tx.ops, history.Meta{})
		return err
	})
	if err != nil {
		return Version{}, err
	}
	return v, nil
}
