package identity

import "strconv"

// Verdict says whether a database is still the instance that its author stands
// for. The zero Verdict is none and keeps no author.
type Verdict uint8

// The verdicts, in the order in which Judge looks for them.
const (
	// New: the database has no instance yet.
	New Verdict = iota + 1
	// Copied: the file is not the one its author wrote, or nothing proves that
	// it is.
	Copied
	// RolledBack: the file is an older state of the one its author wrote.
	RolledBack
	// Unsure: the newest writes may be lost and nothing can tell.
	Unsure
	// Same: the file is as its author left it.
	Same
)

// KeepAuthor reports whether the author may go on writing: for Same alone. On
// every other verdict the caller mints a new author with a new nonce before
// the first write, so that no two versions share a dot.
func (v Verdict) KeepAuthor() bool { return v == Same }

// String returns the name of v: new, copied, rolled back, unsure, same.
func (v Verdict) String() string {
	switch v {
	case New:
		return "new"
	case Copied:
		return "copied"
	case RolledBack:
		return "rolled back"
	case Unsure:
		return "unsure"
	case Same:
		return "same"
	}
	return "Verdict(" + strconv.Itoa(int(v)) + ")"
}

// Explain returns one sentence for people: what was found and what follows.
func (v Verdict) Explain() string {
	switch v {
	case New:
		return "This database has not been written by any device yet; it gets its own author."
	case Copied:
		return "This database is a copy, or was moved without the small file beside it; it goes on under a new author so that it cannot clash with the original."
	case RolledBack:
		return "This database is older than what was last seen of it, as after restoring a file; it goes on under a new author so that it cannot repeat what was already handed out."
	case Unsure:
		return "The device stopped without closing this database, and its newest writes may not have reached the disk; it goes on under a new author to be safe."
	case Same:
		return "This database is as it was left; its author goes on."
	}
	return "No verdict was reached; treat the database as a copy."
}

// Judge compares what the database remembers of itself (db, nil if it has no
// instance yet) with its sidecar (side, nil if there is none or it is damaged)
// and with the world at this open: fileNow and bootNow as Instance.File and
// Instance.Boot would be written now, durable if every acknowledged write of
// the last run was flushed to the disk (synchronous=FULL), tip the newest seq
// of db.Author in the database, 0 if there is none. The table in the package
// documentation lists every case.
func Judge(db, side *Instance, fileNow, bootNow string, durable bool, tip uint64) Verdict {
	switch {
	case db == nil:
		return New
	case side == nil || !sameInstance(db, side) || db.File != fileNow || side.File != fileNow:
		return Copied
	case db.Opens < side.Opens || tip < max(db.HandedOut, side.HandedOut):
		return RolledBack
	case !durable && !closedCleanly(db, side) && !sameBoot(db, side, bootNow):
		return Unsure
	}
	return Same
}

func sameInstance(db, side *Instance) bool {
	return db.Nonce == side.Nonce && db.Author == side.Author
}

// closedCleanly wants both records to say so: a crash while closing leaves one
// that does not.
func closedCleanly(db, side *Instance) bool { return db.Clean && side.Clean }

// sameBoot reports whether the system has surely run on since the last open:
// what it had taken from the process is then on its way to the disk, or there.
func sameBoot(db, side *Instance, bootNow string) bool {
	return bootNow != "" && db.Boot == bootNow && side.Boot == bootNow
}
