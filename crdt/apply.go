package crdt

import (
	"github.com/kdelta/kdelta/crdt/clock"
)

// Apply folds one version's ops on the state's key into the state, in their order: each of them covers past and the ones
// before it. All that past covers of this key must have been applied before, and nothing may be applied twice. The ops
// must have passed Op.Check, unless they were erased since and have no body; bodies are kept, not copied, and must not change.
//
// look is asked only if past.All() is false, and may be nil otherwise. The result is the conflicts that the version
// closes, by ascending path.
//
// On error, which wraps ErrOp or ErrLookup, the state is as it was.
func (s *State) Apply(ops []Op, at clock.Stamp, past Past, look Lookup) ([]Closed, error) {
	all := past.All()
	if all && len(ops) == 1 && ops[0].Code == CodePut && ops[0].Body != nil && s.isPlain() {
		s.setSimple(at, ops[0].Body)
		return nil, nil
	}
	v := version{at: at, past: newSeen(at, past, len(ops))}
	if err := v.read(ops); err != nil {
		return nil, err
	}
	var err error
	if !all && s.counter != nil && v.kinds&^counters != 0 {
		if v.left, err = recount(past, look); err != nil {
			return nil, err
		}
	}
	closed, err := s.closedBy(&v, all, look)
	if err != nil {
		return nil, err
	}
	s.apply(&v)
	s.branched = s.branched || !all
	return closed, nil
}

// isPlain reports whether there is at most one value: nothing that a put that covers all could close.
func (s *State) isPlain() bool {
	return len(s.roots) <= 1 && len(s.fields) == 0 && len(s.tombs) == 0 && s.counter == nil &&
		len(s.set)+len(s.text)+len(s.list) == 0
}

// version is what one version does to one key, decoded.
type version struct {
	at clock.Stamp
	// ops is how many steps there are: one is the only one, several are all where there are several. Most versions have one, which
	// needs no memory of its own.
	ops     int
	one     step
	several []step
	kinds   kinds // of the steps
	past    seen
	left    *counter // what an op that is no add leaves of the counter
}

func (v *version) step(i int) *step {
	if v.ops == 1 {
		return &v.one
	}
	return &v.several[i]
}

// has reports whether a step has such a code.
func (v *version) has(such func(Code) bool) bool {
	for i := range v.ops {
		if such(v.step(i).code) {
			return true
		}
	}
	return false
}

// step is a decoded op.
type step struct {
	code     Code
	erased   bool
	value    Value
	edits    []edit
	amount   int64
	elements []Value
	sides    []clock.Entry
}

// read decodes ops into steps.
func (v *version) read(ops []Op) error {
	if v.ops = len(ops); v.ops > 1 {
		v.several = make([]step, v.ops)
	}
	for i := range ops {
		st := v.step(i)
		if err := st.read(&ops[i]); err != nil {
			return err
		}
		v.kinds |= st.code.kind()
	}
	return nil
}

func (st *step) read(op *Op) (err error) {
	st.code = op.Code
	if st.erased = op.Body == nil; st.erased {
		return nil
	}
	switch op.Code {
	case CodePut:
		if st.value = op.Body; len(op.Body) == 0 {
			err = opError(op.Code, "its body is missing", nil)
		}
	case CodePatch:
		st.edits, err = readPatch(op.Body)
	case CodeAdd:
		st.amount, err = readAmount(op.Body)
	case CodeSetAdd, CodeSetRemove:
		st.elements, err = readElements(op.Code, op.Body)
	case CodeResolve:
		st.sides, err = readSides(op.Body)
	}
	return err
}

// apply runs the steps; it cannot fail. Each op takes out what it covers of the kinds that are not its own.
func (s *State) apply(v *version) {
	for i := range v.ops {
		st := v.step(i)
		if st.code == CodeResolve || st.code == CodeErase {
			continue // they say something of other ops; see closedBy, and for an erase what its target has become
		}
		if !st.code.Known() {
			s.unknown = true
			continue
		}
		kind := st.code.kind()
		s.held |= kind
		s.dropTombs(&v.past)
		if kind != documents {
			s.kill(v.at, &v.past)
		}
		if kind != counters {
			s.counter = v.left.clone()
		}
		if kind != sets {
			s.clearSet(&v.past)
		}
		if kind != texts || !st.erased {
			s.text = v.past.uncovered(s.text)
		}
		if kind != lists || !st.erased {
			s.list = v.past.uncovered(s.list)
		}
		switch st.code {
		case CodePut:
			s.dropDocument(&v.past)
			if !st.erased {
				s.put(st.value, v.at)
			}
		case CodeDelete:
			s.tombs = withStamp(s.tombs, v.at)
		case CodePatch:
			s.patch(st.edits, v.at, &v.past)
		case CodeAdd:
			if !st.erased {
				s.addUp(st.amount, &v.at)
			}
		case CodeSetAdd:
			s.addToSet(st.elements, v.at, &v.past)
		case CodeSetRemove:
			s.removeFromSet(st.elements, &v.past)
		case CodeTextSplice:
			if !st.erased {
				s.text = withStamp(s.text, v.at)
			}
		case CodeListSplice, CodeListMove, CodeListReplace:
			if !st.erased {
				s.list = withStamp(s.list, v.at)
			}
		}
	}
}
