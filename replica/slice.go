package replica

import (
	"cmp"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/protocol"
)

// A pack is applied in one commit, with those behind it that are unpacked meanwhile: each commit writes all that stands on its keys,
// and many packs are of the same ones. So a commit waits for a pack that is being unpacked, as long as nobody waits for the commit; and
// not for long where another process may have the store open, of whose waiting nobody here hears.
// If that costs too much it is applied in several, so that who waits to write meanwhile gets a turn.
// What costs is concurrency on one key: each commit writes all that stands there, and each version is compared with what of it
// may lie in its past. Effort counts such comparisons, some twenty million of which take a second; it counts no time, so that the
// same packs make the same commits.
//
// A commit may end before the version that a seal is over: what it vouches for was proved when the pack was judged. Until that
// version is applied those before it stand here without proof, so the pack is kept until all of it is applied; see begun.go.
const (
	// sliceBytes is the size of versions after which a commit goes on with no other pack.
	sliceBytes = packedBytes
	// sliceEffort is the effort after which a commit ends where it can.
	sliceEffort = 200_000
	// slicePatience is the age at which a commit waits for no other pack: an ordinary one is unpacked in ten milliseconds, but a peer
	// can make one that takes a second.
	slicePatience = 20 * time.Millisecond
	// keyEffort is that of writing one of the versions that stand on a key, and of reading it where it is not at hand.
	keyEffort = 30
	// moveEffort is how many of them are passed by, and moved to make room for another one, at the effort of one comparison.
	moveEffort = 4
	// patchBytes are bytes of a patch that count as one more op: about as many as one of its members takes.
	patchBytes = 64
)

// slice is what became of some versions of a pack in one commit.
type slice struct {
	applied protocol.Applied
	// came are the dots of the pack's versions that are here, in the database of that epoch.
	came  dotRanges
	epoch uint64
	// next is the first version of the pack that was not looked at.
	next int
	// begun names the row that keeps the pack from this part on, if it does.
	begun string
}

// full reports whether the commit should end: one that has much to write goes on until the rest has been as much of an effort.
func (c *commit) full() bool { return c.effort > max(sliceEffort, 2*c.standing) }

// roomFor reports whether a commit goes on with another pack behind so many bytes of versions: with twice as many where writing what
// stands on its keys, which the next commit would write again, is an effort of its own.
func (c *commit) roomFor(bytes int) bool {
	most := sliceBytes
	if c.standing > sliceEffort {
		most *= 2
	}
	return bytes < most && !c.full()
}

// tookKey counts a key that the commit will have to write.
func (c *commit) tookKey(e *entry) { c.willWrite(standingTogether(e.state)) }

// standingTogether is how many versions stand on a key, 0 where it is one alone.
func standingTogether(s *crdt.State) int {
	if n := s.Standing(); n > 1 {
		return n
	}
	return 0
}

// willWrite counts versions that the commit will have to write because they stand on a key beside others.
func (c *commit) willWrite(n int) {
	c.effort += n * keyEffort
	c.standing += n * keyEffort
}

// foldsInto counts ops that are about to be applied to a key.
func (c *commit) foldsInto(e *entry, ops []crdt.Op) {
	if len(e.tops) == 1 && e.state.Standing() <= 1 {
		return
	}
	n := len(ops)
	for i := range ops {
		if ops[i].Code == crdt.CodePatch {
			n += len(ops[i].Body) / patchBytes
		}
	}
	c.effort += (len(e.tops) + n*e.state.Standing()) / moveEffort
}

// logOf is the log of a key, whose reading counts.
func (c *commit) logOf(e *entry) keyLog {
	log := logOf(c.snap(), e.key, &e.row)
	log.effort = &c.effort
	return log
}

// applySlice applies the next versions of a pack, up to where the commit is full.
func (a *applier) applySlice() error {
	from := a.next
	for ; a.next < len(a.versions); a.next++ {
		i := a.next
		if i > from && a.c.full() && !a.whole {
			return nil
		}
		if a.fates[i] != fateTaken {
			continue
		}
		if err := a.add(&a.versions[i], a.ops.byKey(i)); err != nil {
			return err
		}
	}
	return nil
}

// took adds what became of the next slice in a commit that is durable.
func (u *unpacked) took(s *slice) {
	u.looked, u.sofar.next, u.begun = true, s.next, cmp.Or(s.begun, u.begun)
	all := &u.sofar.applied
	all.Versions += s.applied.Versions
	all.Duplicates += s.applied.Duplicates
	all.Pending += s.applied.Pending
	all.Refused = append(all.Refused, s.applied.Refused...)
	all.Conflicts += s.applied.Conflicts
	all.Forks += s.applied.Forks
}

// through reports whether all of a pack was looked at.
func (u *unpacked) through() bool { return u.looked && u.sofar.next == len(u.versions) }
