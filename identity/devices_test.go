package identity_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
)

// device is one database file with its sidecar, opened, written, synced,
// killed, copied and restored by a property test. Content stands for a
// version: a dot must never have two.
type device struct {
	file string
	// durable is synchronous=FULL: power loss takes no write back.
	durable bool
	db      database
	// flushed is what power loss leaves of the database.
	flushed database
	side    *identity.Instance
	// backup is an earlier state of the database, taken while it was closed.
	backup *database
	open   bool
}

// database is what lies in the file: the instance and, for each author, the
// content of dots 1, 2, …
type database struct {
	instance *identity.Instance
	dots     map[identity.Author][]int
}

func (d database) clone() database {
	c := database{dots: maps.Clone(d.dots)}
	for author, dots := range c.dots {
		c.dots[author] = slices.Clone(dots)
	}
	if d.instance != nil {
		i := *d.instance
		c.instance = &i
	}
	return c
}

type dot struct {
	author identity.Author
	seq    int
}

// devices is a set of devices that write, and everything that ever left one.
type devices struct {
	all     []*device
	boot    int
	minted  byte
	files   int
	written int
	out     map[dot]int
}

func (w *devices) newFile() string {
	w.files++
	return fmt.Sprint("1:", w.files)
}

func (w *devices) newDevice(durable bool) *device {
	empty := database{dots: make(map[identity.Author][]int)}
	return &device{file: w.newFile(), durable: durable, db: empty.clone(), flushed: empty.clone()}
}

func (w *devices) bootID() string { return fmt.Sprint("boot ", w.boot) }

// start opens d by the documented order of writes. It stops after crashAfter
// of its two writes, as a process that is killed there.
func (w *devices) start(d *device, crashAfter int) identity.Verdict {
	var tip uint64
	if d.db.instance != nil {
		tip = uint64(len(d.db.dots[d.db.instance.Author]))
	}
	verdict := identity.Judge(d.db.instance, d.side, d.file, w.bootID(), d.durable, tip)
	next := identity.Instance{}
	if verdict.KeepAuthor() {
		next = *d.db.instance
		next.HandedOut = max(next.HandedOut, d.side.HandedOut)
	} else {
		w.minted++
		next.Author = authorKey(w.minted).Author()
		next.Nonce[0] = w.minted
	}
	next.File, next.Boot, next.Clean = d.file, w.bootID(), false
	next.Opens++
	w.save(d, next, crashAfter)
	d.open = crashAfter >= 2
	return verdict
}

// save writes i to the database first, to the sidecar second.
func (w *devices) save(d *device, i identity.Instance, crashAfter int) {
	if crashAfter > 0 {
		d.db.instance = &i
		w.commit(d)
	}
	if crashAfter > 1 {
		side := i
		d.side = &side
	}
}

func (w *devices) commit(d *device) {
	if d.durable {
		d.flushed = d.db.clone()
	}
}

func (w *devices) write(d *device) {
	author := d.db.instance.Author
	w.written++
	d.db.dots[author] = append(d.db.dots[author], w.written)
	w.commit(d)
}

// handOut sends everything that d holds. It fails if a dot left before with
// other content.
func (w *devices) handOut(t *rapid.T, d *device) {
	own := uint64(len(d.db.dots[d.db.instance.Author]))
	d.side.HandedOut = max(d.side.HandedOut, own)
	for author, dots := range d.db.dots {
		for i, content := range dots {
			at := dot{author, i + 1}
			if before, ok := w.out[at]; ok && before != content {
				t.Fatalf("%s@%d left as version %d and as version %d", author, i+1, before, content)
			}
			w.out[at] = content
		}
	}
}

// stop closes d. A close flushes: the last connection checkpoints.
func (w *devices) stop(d *device, crashAfter int) {
	i := *d.db.instance
	i.Clean = true
	w.save(d, i, crashAfter)
	if crashAfter > 0 {
		d.flushed = d.db.clone()
	}
	d.open = false
}

func (w *devices) powerLoss() {
	w.boot++
	for _, d := range w.all {
		d.db, d.open = d.flushed.clone(), false
	}
}

// copyOf puts a copy of d's database into a new file, with or without the
// sidecar.
func (w *devices) copyOf(d *device, withSidecar bool) *device {
	c := &device{file: w.newFile(), durable: d.durable, db: d.db.clone(), flushed: d.db.clone()}
	if withSidecar && d.side != nil {
		side := *d.side
		c.side = &side
	}
	return c
}

// restore puts an earlier state of d's database into d's file.
func (w *devices) restore(d *device, earlier database) {
	d.db, d.flushed, d.open = earlier.clone(), earlier.clone(), false
}

// step does one thing, of those that can be done to a device that is open, or
// to one that is not.
func (w *devices) step(t *rapid.T, seen map[identity.Verdict]int) {
	d := rapid.SampledFrom(w.all).Draw(t, "device")
	crash := rapid.SampledFrom([]int{2, 2, 2, 1, 0})
	if d.open {
		switch rapid.SampledFrom([]string{"write", "write", "hand out", "close", "kill", "power loss"}).Draw(t, "open") {
		case "write":
			w.write(d)
		case "hand out":
			w.handOut(t, d)
		case "close":
			w.stop(d, crash.Draw(t, "writes of the close"))
		case "kill":
			d.open = false
		case "power loss":
			w.powerLoss()
		}
		return
	}
	switch rapid.SampledFrom([]string{"open", "open", "open", "copy", "back up", "restore", "lose"}).Draw(t, "closed") {
	case "open":
		if w.minted < 200 {
			seen[w.start(d, crash.Draw(t, "writes of the open"))]++
		}
	case "copy":
		if len(w.all) < 6 {
			w.all = append(w.all, w.copyOf(d, rapid.Bool().Draw(t, "with sidecar")))
		}
	case "back up":
		if d.db.instance != nil && d.db.instance.Clean {
			earlier := d.db.clone()
			d.backup = &earlier
		}
	case "restore":
		if d.backup != nil {
			w.restore(d, *d.backup)
		}
	case "lose":
		d.side = nil
	}
}

// Whatever happens to files and machines, no dot leaves with two contents.
func TestNoDotLeavesTwice(t *testing.T) {
	seen := make(map[identity.Verdict]int)
	rapid.Check(t, func(t *rapid.T) {
		w := &devices{out: make(map[dot]int)}
		w.all = []*device{w.newDevice(true), w.newDevice(false)}
		for range 300 {
			w.step(t, seen)
		}
	})
	t.Log(seen)
	for _, v := range []identity.Verdict{identity.New, identity.Copied, identity.RolledBack, identity.Unsure, identity.Same} {
		if seen[v] == 0 {
			t.Errorf("the test never met the verdict %s", v)
		}
	}
}

// Crashes at any point, and power loss where writes are durable, cost no new
// author.
func TestCrashesKeepTheAuthor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &devices{out: make(map[dot]int)}
		d := w.newDevice(rapid.Bool().Draw(t, "durable"))
		w.all = []*device{d}
		w.start(d, 2)
		writes := rapid.IntRange(0, 2)
		for range 100 {
			if !d.open {
				if v := w.start(d, writes.Draw(t, "writes of the open")); v != identity.Same {
					t.Fatalf("judged %s: %s", v, v.Explain())
				}
				continue
			}
			w.write(d)
			w.handOut(t, d)
			switch {
			case rapid.Bool().Draw(t, "close"):
				w.stop(d, writes.Draw(t, "writes of the close"))
			case d.durable && rapid.Bool().Draw(t, "power loss"):
				w.powerLoss()
			case rapid.Bool().Draw(t, "kill"):
				d.open = false
			}
		}
	})
}
