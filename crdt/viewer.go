package crdt

import "github.com/kdelta/kdelta/crdt/clock"

// Viewer shows one state after the other in the same memory. The zero Viewer is ready. It is not safe for concurrent use.
type Viewer struct {
	siblings, distinct []Sibling
	conflicts          []Conflict
	others             []Side
	sides              []clock.Stamp
	reason             reason
}

// reason is why a side was chosen, as it was told last: most conflicts were decided in the same way.
type reason struct{ strategy, precedence, text string }

func (v *Viewer) why(strategy, precedence string) string {
	if r := &v.reason; r.text == "" || r.strategy != strategy || r.precedence != precedence {
		*r = reason{strategy, precedence, strategy + precedence}
	}
	return v.reason.text
}

// View is [State.View]. The conflicts that it returns are good until the next call.
func (v *Viewer) View(s *State, st Strategy, base func() (Value, bool)) View {
	if s.isPlain() && len(s.roots) == 1 && s.roots[0].live() {
		return View{Kind: KindRegister, Value: s.roots[0].value, At: s.roots[0].at, Strategy: st.Name()}
	}
	doc := v.document(s, st, base)
	view := View{
		Kind: doc.kind, Value: doc.value, At: doc.at, Strategy: doc.strategy, Fault: doc.fault,
		Revived: doc.revived, Conflicts: doc.conflicts,
	}
	if s.counter == nil && len(s.set)+len(s.text)+len(s.list) == 0 {
		return view
	}
	return s.mixKinds(&view)
}
