package replicatest

import (
	"encoding/json"
	"fmt"

	"github.com/kdelta/kdelta/replica"
)

// resolveOp looks at a conflict and decides it.
func (d *device) resolveOp() attempt {
	w := d.w
	key, sides := pick(w, worldKeys), []replica.Version(nil)
	for c, err := range d.r.Conflicts(w.ctx, "") {
		if err == nil && c.Status == replica.ConflictOpen && (sides == nil || w.chance(40)) {
			key, sides = c.Key, []replica.Version{c.Chosen.Version}
			for _, l := range c.Others {
				sides = append(sides, l.Version)
			}
		}
	}
	open := len(d.shown(key).Open)
	may := func(err error) bool {
		return isOneOf(err, replica.ErrNoConflict) && (open == 0 || sides == nil) ||
			isOneOf(err, replica.ErrUnknownStrategy) && !d.writable(key) || isOneOf(err, replica.ErrNewerFormat) && d.isNewer(key)
	}
	if sides == nil || w.chance(50) {
		text := pick(w, worldValues)
		return attempt{
			what: fmt.Sprintf("resolve %s %s", key, text), keys: []string{key}, may: may,
			run: func() (replica.Version, error) { return d.r.Resolve(w.ctx, key, json.RawMessage(text)) },
			then: func() {
				got := d.shown(key)
				if sides != nil && (got.Value == nil || !sameJSON(got.Value.AppendJSON(nil), []byte(text))) {
					w.failf("I18", "%s: after resolving %s to %s it shows %s", d.name, key, text, got.Value)
				}
				w.count("resolved")
			},
		}
	}
	side := pick(w, sides)
	return attempt{
		what: fmt.Sprintf("take %s %s", key, side), keys: []string{key},
		may:  func(err error) bool { return may(err) || isOneOf(err, replica.ErrOutOfRange) }, // a merged counter may be anything
		run:  func() (replica.Version, error) { return d.r.ResolveTake(w.ctx, key, side) },
		then: func() { w.count("resolved by taking a side") },
	}
}

// newerKey is the key that a newer program writes to.
const newerKey = "x/newer"

// isNewer reports whether a key holds what only a newer program understands.
func (d *device) isNewer(key string) bool {
	for _, p := range d.w.model.on(d.seen, key).ops {
		if p.op.code == "unknown" {
			return true
		}
	}
	return false
}
