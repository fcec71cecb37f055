package replicatest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/replica"
)

// The keys of a world: few, so that writes meet. The namespace f is under `fields` from the beginning.
var (
	worldKeys   = []string{"a/1", "a/2", "f/1", "f/2", "m/1", "c/1"}
	counterKeys = []string{"n/1", "n/2", "a/2"}
	setKeys     = []string{"s/1", "a/2"}
	textKeys    = []string{"t/1", "t/1", "a/2"}
	listKey     = "l/1"
	otherKeys   = []string{"n/1", "s/1", "t/1", listKey} // of other kinds than values
	namespaces  = []string{"a", "m", "c", "f"}
	worldValues = []string{
		`1`, `2`, `"x"`, `"long text"`, `null`, `{}`, `{"a":1}`, `{"a":2,"b":1}`, `{"a":1,"b":2,"c":3}`, `{"a":{"x":1}}`,
		`{"a":{"x":2,"y":{}},"c":[1]}`, `{"a":{"y":3},"b":{"z":[]}}`, `[1]`, `[2,1]`, `[3]`, `{"b":9}`,
	}
	elements = []any{1, 2, "x", "y", true}
	typed    = []string{"", "a", "ñ", "🙂", "abc", "two words "}
)

// attempt is one write: what is to happen, and what must be seen afterwards.
type attempt struct {
	what string
	keys []string
	run  func() (replica.Version, error)
	// may says which refusals are right here.
	may func(error) bool
	// then is checked after success, once the versions of the log are those of the model.
	then func()
}

// userOp lets somebody write.
func (w *World) userOp(d *device) {
	var a attempt
	switch n := w.rng.IntN(100); {
	case n < 28:
		a = d.setOp()
	case n < 34:
		a = d.listOp()
	case n < 44:
		a = d.textOp()
	case n < 52:
		a = d.deleteOp()
	case n < 64:
		a = d.addOp()
	case n < 76:
		a = d.setElementsOp()
	case n < 90:
		a = d.updateOp()
	case n < 95:
		a = d.resolveOp()
	case n < 98:
		a = d.eraseOp()
	default:
		a = d.settingsOp()
	}
	w.attempt(d, &a)
}

// attempt makes a write and checks what came of it.
func (w *World) attempt(d *device, a *attempt) {
	before := d.seen.Len()
	v, err := a.run()
	w.count("op: " + strings.Fields(a.what)[0])
	w.tracef("%s: %s: %v", d.name, a.what, err)
	d.mayWrite = true
	defer func() { d.mayWrite = false }()
	if err != nil {
		injected := isInjected(err)
		if injected {
			d.tolerates(err)
			if d.r == nil {
				return
			}
		}
		d.mayWrite = injected
		if !d.ingest() {
			return
		}
		if !injected && !errors.Is(err, replica.ErrReadOnlyMember) && !a.may(err) {
			w.failf("op", "%s: %s: %v", d.name, a.what, err)
		}
		if d.r != nil && errors.Is(err, replica.ErrReadOnlyMember) != d.readOnly && !injected && errors.Is(err, replica.ErrReadOnlyMember) {
			w.failf("op", "%s may write, and %s is refused: %v", d.name, a.what, err)
		}
		if d.r != nil {
			d.checkKeys(a.keys...)
		}
		return
	}
	if !d.ingest() {
		return
	}
	if v.IsZero() {
		if d.seen.Len() != before {
			w.failf("I5", "%s: %s says it wrote nothing, and the log has %d versions more", d.name, a.what, d.seen.Len()-before)
		}
	} else {
		n, known := w.model.Lookup(v.ID)
		if !known || !d.seen.Has(n) {
			w.failf("I18", "%s: %s was acknowledged as %s, which the log does not show", d.name, a.what, v)
		}
		d.acked = append(d.acked, n)
	}
	if d.checkKeys(a.keys...) && a.then != nil {
		a.then()
	}
}

func (d *device) strategy(key string) string {
	ns, _, _ := strings.Cut(key, "/")
	return d.w.model.Strategy(d.seen, ns)
}

// writable is false where a write of a whole value must be refused.
func (d *device) writable(key string) bool {
	return !strings.HasPrefix(d.strategy(key), "rare/") || d.knowsRare
}

func isOneOf(err error, of ...error) bool {
	for _, e := range of {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (d *device) setOp() attempt {
	w := d.w
	key := pick(w, worldKeys)
	if w.chance(4) {
		key = newerKey
	}
	if w.chance(5) {
		key = pick(w, otherKeys)
	}
	text := pick(w, worldValues)
	var opts []replica.WriteOption
	from, stale := d.read[key]
	plain := true
	kind := d.shown(key).Kind
	switch n := w.rng.IntN(10); {
	case n < 2 && stale:
		opts, plain = append(opts, replica.From(from)), false
		w.count("op: from")
	case n == 2 && stale:
		opts = append(opts, replica.IfVersion(from))
		w.count("op: compare-and-set")
	case n == 3:
		opts = append(opts, replica.Message("from "+d.name))
	}
	if v, err := d.r.Get(w.ctx, key, nil); err == nil {
		d.read[key] = v
	}
	return attempt{
		what: fmt.Sprintf("set %s %s", key, text), keys: []string{key},
		run: func() (replica.Version, error) { return d.r.Set(w.ctx, key, json.RawMessage(text), opts...) },
		may: func(err error) bool {
			return errors.Is(err, replica.ErrWrongKind) && (kind == crdt.KindCounter || kind == crdt.KindSet || kind.IsSequence()) ||
				errors.Is(err, replica.ErrUnknownStrategy) && !d.writable(key) || len(opts) > 0 && isOneOf(err, replica.ErrVersionMismatch, replica.ErrPoint) ||
				errors.Is(err, replica.ErrNewerFormat) && d.isNewer(key)
		},
		then: func() {
			if got := d.shown(key); plain && !sameJSON(got.Value.AppendJSON(nil), []byte(text)) {
				w.failf("I18", "%s: after setting %s to %s it shows %s", d.name, key, text, got.Value.AppendJSON(nil))
			}
		},
	}
}

func (d *device) deleteOp() attempt {
	w := d.w
	key := pick(w, append(append(slices.Clone(otherKeys), worldKeys...), newerKey))
	kind := d.shown(key).Kind
	return attempt{
		what: "delete " + key, keys: []string{key},
		run: func() (replica.Version, error) { return d.r.Delete(w.ctx, key) },
		may: func(err error) bool {
			return errors.Is(err, replica.ErrNotFound) && kind == crdt.KindNone || errors.Is(err, replica.ErrNewerFormat) && d.isNewer(key)
		},
		then: func() {
			if got := d.shown(key); got.Kind != crdt.KindNone {
				w.failf("I6", "%s: after deleting %s it shows %s", d.name, key, got.Value.AppendJSON(nil))
			}
		},
	}
}

// textOp types into a text: some splices that become one version.
func (d *device) textOp() attempt {
	w := d.w
	key := pick(w, textKeys)
	before := d.shown(key)
	shown, _ := before.Value.AsString()
	if before.Kind != crdt.KindText {
		shown = ""
	}
	text := []rune(shown)
	var splices []sequence.Splice
	beyond := w.chance(5)
	for range 1 + w.rng.IntN(3) {
		s := sequence.Splice{Pos: w.rng.IntN(len(text) + 1), Text: pick(w, typed)}
		s.Removed = w.rng.IntN(min(len(text)-s.Pos, 3) + 1)
		text = slices.Replace(text, s.Pos, s.Pos+s.Removed, []rune(s.Text)...)
		splices = append(splices, s)
	}
	if beyond {
		splices = append(splices, sequence.Splice{Pos: len(text), Removed: 1})
	}
	return d.typing(key, crdt.KindText, fmt.Sprintf("type %s %+v", key, splices), beyond, canon.AppendString(nil, string(text)), func() editing {
		t := d.r.Text(key)
		return editing{t.Commit, t.Discard, func(i int) (more bool, err error) {
			if i == len(splices) {
				return false, nil
			}
			return true, t.Splice(w.ctx, splices[i].Pos, splices[i].Removed, splices[i].Text)
		}}
	})
}

// listOp edits a list: some edits that become one version.
func (d *device) listOp() attempt {
	w := d.w
	before := d.shown(listKey)
	var items []canon.Value
	if before.Kind == crdt.KindList {
		items = slices.Collect(before.Value.Elements())
	}
	var edits []sequence.ListEdit
	beyond := w.chance(5)
	for range 1 + w.rng.IntN(3) {
		e := sequence.ListEdit{Pos: w.rng.IntN(min(len(items), 3) + 1)} // few places, so that edits meet
		item := canon.AppendInt(nil, int64(w.rng.IntN(100)))
		switch n := w.rng.IntN(6); {
		case e.Pos == len(items) || n < 2:
			e.Elements = [][]byte{item}
			items = slices.Insert(items, e.Pos, canon.Value(item))
		case n == 2:
			e.Kind, e.Elements = sequence.ListReplace, [][]byte{item}
			items[e.Pos] = item
		case n == 3:
			e.Removed = 1
			items = slices.Delete(items, e.Pos, e.Pos+1)
		default:
			e.Kind, e.To = sequence.ListMove, w.rng.IntN(len(items))
			moved := items[e.Pos]
			items = slices.Insert(slices.Delete(items, e.Pos, e.Pos+1), e.To, moved)
		}
		edits = append(edits, e)
	}
	if beyond {
		edits = append(edits, sequence.ListEdit{Pos: len(items), Removed: 1})
	}
	want, _ := canon.NewArray(items)
	return d.typing(listKey, crdt.KindList, fmt.Sprintf("arrange %s %v", listKey, edits), beyond, want, func() editing {
		l := d.r.Array(listKey)
		return editing{l.Commit, l.Discard, func(i int) (more bool, err error) {
			if i == len(edits) {
				return false, nil
			}
			e := &edits[i]
			values := make([]any, len(e.Elements))
			for k, item := range e.Elements {
				values[k] = json.RawMessage(canon.Value(item).AppendJSON(nil))
			}
			switch e.Kind {
			case sequence.ListMove:
				return true, l.Move(w.ctx, e.Pos, e.To)
			case sequence.ListReplace:
				return true, l.Replace(w.ctx, e.Pos, values[0])
			default:
				return true, l.Splice(w.ctx, e.Pos, e.Removed, values...)
			}
		}}
	})
}

// editing is what the handles of texts and lists have in common, and the i-th of some edits.
type editing struct {
	commit  func(context.Context, ...replica.WriteOption) (replica.Version, error)
	discard func()
	edit    func(i int) (more bool, err error)
}

// typing edits the text or the list at a key, and commits that; some edits reach beyond the end.
func (d *device) typing(key string, kind crdt.Kind, what string, beyond bool, want canon.Value, open func() editing) attempt {
	w := d.w
	before := d.shown(key)
	a := attempt{what: what, keys: []string{key}}
	a.run = func() (v replica.Version, err error) {
		h := open()
		for i, more := 0, true; more && err == nil; i++ {
			more, err = h.edit(i)
		}
		if err == nil {
			v, err = h.commit(w.ctx)
		}
		if err != nil {
			h.discard()
		}
		return v, err
	}
	a.may = func(err error) bool {
		return errors.Is(err, replica.ErrWrongKind) && before.Kind != kind && before.Kind != crdt.KindNone ||
			errors.Is(err, sequence.ErrPosition) && beyond || errors.Is(err, replica.ErrNewerFormat) && d.isNewer(key)
	}
	a.then = func() {
		got := d.shown(key)
		if got.Kind == crdt.KindNone && want.Len() == 0 {
			return
		}
		if !bytes.Equal(got.Value, want) {
			w.failf("I18", "%s: after editing %s has %s, and not %s", d.name, key, got.Value.AppendJSON(nil), want.AppendJSON(nil))
		}
	}
	return a
}

func (d *device) addOp() attempt {
	w := d.w
	key, n := pick(w, counterKeys), int64(w.rng.IntN(9)-2)
	if w.chance(5) {
		n = canon.MaxInteger / 2
	}
	before := d.shown(key)
	return attempt{
		what: fmt.Sprintf("add %s %d", key, n), keys: []string{key},
		run: func() (replica.Version, error) { return d.r.Add(w.ctx, key, n) },
		may: func(err error) bool {
			return errors.Is(err, replica.ErrWrongKind) && before.Kind != crdt.KindCounter && before.Kind != crdt.KindNone ||
				errors.Is(err, replica.ErrOutOfRange)
		},
		then: func() {
			was, _ := before.Value.AsInt()
			if got, ok := d.shown(key).Value.AsInt(); before.Kind == crdt.KindCounter && ok && before.Value.Type() == canon.TypeInt && got != was+n {
				w.failf("I7", "%s: %d and %d are %d at %s", d.name, was, n, got, key)
			}
		},
	}
}

func (d *device) setElementsOp() attempt {
	w := d.w
	key, some := pick(w, setKeys), []any{pick(w, elements)}
	if w.chance(30) {
		some = elements[1:3]
	}
	kind := d.shown(key).Kind
	a := attempt{
		what: fmt.Sprintf("set-add %s %v", key, some), keys: []string{key},
		run: func() (replica.Version, error) { return d.r.SetAdd(w.ctx, key, some) },
		may: func(err error) bool {
			return errors.Is(err, replica.ErrWrongKind) && kind != crdt.KindSet && kind != crdt.KindNone
		},
	}
	if w.chance(40) {
		a.what = fmt.Sprintf("set-remove %s %v", key, some)
		a.run = func() (replica.Version, error) { return d.r.SetRemove(w.ctx, key, some) }
	}
	return a
}

// errChanged is how a world's applications give a transaction up.
var errChanged = errors.New("the application changed its mind")

func (d *device) updateOp() attempt {
	w := d.w
	n := 2 + w.rng.IntN(4)
	end := w.rng.IntN(12)
	what := fmt.Sprintf("update %d keys, end %d", n, end)
	choice := w.rng.Perm(1 << 8)
	run := func(tx *replica.Tx) error {
		for i := range n {
			key := worldKeys[choice[i]%len(worldKeys)]
			var err error
			switch choice[i+8] % 6 {
			case 0:
				if err = tx.Delete(key); errors.Is(err, replica.ErrNotFound) {
					err = nil
				}
			case 1:
				err = tx.Add("n/1", int64(choice[i+16]%5))
			case 2:
				err = tx.SetAdd("s/1", elements[choice[i+16]%len(elements)])
			case 3:
				err = tx.SetRemove("s/1", elements[choice[i+16]%len(elements)])
			default:
				err = tx.Set(key, json.RawMessage(worldValues[choice[i+16]%len(worldValues)]))
			}
			if err != nil && !isOneOf(err, replica.ErrWrongKind, replica.ErrUnknownStrategy, replica.ErrNewerFormat, replica.ErrOutOfRange) {
				return err
			}
			if end == 1 && i == n/2 {
				return errChanged
			}
			if end == 2 && i == n/2 {
				panic(errChanged)
			}
		}
		return nil
	}
	return attempt{
		what: what, keys: append(slices.Clone(otherKeys), worldKeys...),
		run: func() (v replica.Version, err error) {
			defer func() {
				if p := recover(); p != nil {
					if p != errChanged { //nolint:errorlint // it is the very value
						panic(p)
					}
					err = errChanged
				}
			}()
			return d.r.Update(w.ctx, run)
		},
		may: func(err error) bool { return errors.Is(err, errChanged) && (end == 1 || end == 2) },
	}
}

func (d *device) settingsOp() attempt {
	w := d.w
	ns := pick(w, namespaces)
	names := []string{"lww", "mv", "max", "min", "union", "fields", "longest", "broken", "from-base"}
	if d.knowsRare {
		names = append(names, "rare")
	}
	if ns == "c" {
		names = names[6:]
	}
	strategy := pick(w, names)
	return attempt{
		what: "settings " + ns + " " + strategy, keys: append([]string{".strategy/" + ns}, worldKeys...),
		run: func() (replica.Version, error) {
			return d.r.SetSettings(w.ctx, ns, replica.Settings{Strategy: strategy, Erasable: ns == "m"})
		},
		may: func(error) bool { return false },
		then: func() {
			if got := d.strategy(ns + "/x"); got != strategy+"/1" {
				w.failf("I18", "%s: after setting %s to %s it is under %s", d.name, ns, strategy, got)
			}
		},
	}
}
