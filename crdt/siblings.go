package crdt

import "github.com/kdelta/kdelta/crdt/clock"

// Standing is how many versions stand beside each other in the state, visible or not: each op is compared with all of them.
func (s *State) Standing() int { return len(s.roots) + len(s.tombs) + len(s.text) + len(s.list) }

// Siblings returns the versions whose puts and deletes stand beside each other, ascending: what a strategy chooses from.
// Where they parted is the cut at the pointwise minimum of their clocks.
func (s *State) Siblings() []clock.Stamp {
	var out []clock.Stamp
	for i := range s.roots {
		if s.roots[i].live() {
			out = append(out, s.roots[i].at)
		}
	}
	for _, t := range s.tombs {
		out = withStamp(out, t)
	}
	return out
}
