package replica_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// sidecarOf is the path of the small file beside a database.
func sidecarOf(path string) string { return path + "-instance" }

// copyOver copies a file's bytes to a path: into the file that is there, or a new one.
func copyOver(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, log := range []string{"-wal", "-shm"} {
		if err := os.Remove(to + log); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// copyFolder copies all files of a folder, as cp -r does.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := fs.WalkDir(os.DirFS(to), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(filepath.Join(to, path), 0o600)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// copies is a space with an original, a third replica that meets everybody, and what was acknowledged anywhere.
type copies struct {
	t     *testing.T
	dir   string
	third *fileReplica
	acked map[string]string
}

// newCopies makes the original with five versions, two of which the third has; the original is closed.
func newCopies(t *testing.T) *copies {
	t.Helper()
	c := &copies{t: t, dir: t.TempDir(), acked: map[string]string{}}
	original := onFile(t, c.path("original"))
	c.write(original, "first")
	c.third = joinedFile(t, c.path("third"), original.Replica)
	syncPair(t, original.Replica, c.third.Replica)
	c.write(original, "tail")
	closeFile(t, original)
	return c
}

func (c *copies) path(name string) string { return filepath.Join(c.dir, name, "data.db") }

func (c *copies) open(name string) *fileReplica {
	c.t.Helper()
	return onFile(c.t, c.path(name))
}

// write writes three versions: to a key of its own, to one that all share, and to a counter that all share.
func (c *copies) write(f *fileReplica, label string) (author string) {
	c.t.Helper()
	for _, v := range []replica.Version{
		wrote(c.t)(f.Set(c.t.Context(), "own/"+label, label)),
		wrote(c.t)(f.Set(c.t.Context(), "shared/value", label)),
		wrote(c.t)(f.Add(c.t.Context(), "shared/counter", 1)),
	} {
		c.acked[v.ID.String()] = label
		author = v.Author.String()
	}
	return author
}

// settle syncs everybody with everybody until nothing moves, and looks whether all is there.
func (c *copies) settle(all ...*fileReplica) {
	t := c.t
	t.Helper()
	all = append(all, c.third)
	for range 2 {
		for i := range all {
			for j := range i {
				syncPair(t, all[i].Replica, all[j].Replica)
			}
		}
	}
	labels := map[string]bool{}
	for _, label := range c.acked {
		labels[label] = true
	}
	var replicas []*replica.Replica
	for _, f := range all {
		replicas = append(replicas, f.Replica)
		c.rename(f)
	}
	for _, f := range all {
		held := historyOf(t, f.Replica)
		for id, label := range c.acked {
			var shown string
			if _, err := f.Get(t.Context(), "own/"+label, &shown); err != nil && label != "tail" {
				t.Errorf("own/%s: %v", label, err)
			}
			if _, ok := held[id]; !ok {
				t.Errorf("a version of %q was acknowledged and is lost", label)
			}
		}
		var counter int
		if _, err := f.Get(t.Context(), "shared/counter", &counter); err != nil || counter != len(labels) {
			t.Errorf("the counter is %d, %v; want %d", counter, err, len(labels))
		}
		showsTheLog(t, f.Replica)
	}
	sameState(t, replicas...)
}

// rename gives the acknowledged versions that a replica has written again the names that they have now.
func (c *copies) rename(f *fileReplica) {
	t := c.t
	t.Helper()
	held := historyOf(t, f.Replica)
	for id, label := range c.acked {
		if _, here := held[id]; here {
			continue
		}
		why, err := f.Why(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(why[0], "was re-issued as") {
			continue
		}
		for now, e := range held {
			if strings.Contains(why[0], "re-issued as "+e.String()+".") {
				delete(c.acked, id)
				c.acked[now] = label
			}
		}
	}
}

// goOn lets everybody write again, each under an author of its own, and settles.
func (c *copies) goOn(all ...*fileReplica) {
	t := c.t
	t.Helper()
	authors := map[string]bool{}
	for _, f := range append(all, c.third) {
		authors[c.write(f, fmt.Sprint("later ", len(c.acked)))] = true
	}
	if len(authors) != len(all)+1 {
		t.Errorf("%d databases write as %d authors", len(all)+1, len(authors))
	}
	c.settle(all...)
	for _, f := range append(all, c.third) {
		status, err := f.Status(t.Context())
		if err != nil || len(status.Pending) > 0 {
			t.Errorf("something waits for ever: %v, %v", status.Pending, err)
		}
	}
}

func (c *copies) notes(f *fileReplica) string {
	c.t.Helper()
	status, err := f.Status(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(status.Notes, "\n")
}

func (c *copies) wantNote(f *fileReplica, word string) {
	c.t.Helper()
	if notes := c.notes(f); !strings.Contains(notes, word) {
		c.t.Errorf("the notes do not say %q: %q", word, notes)
	}
}

// Copies of a file that are made behind the program's back: by whatever way and whoever writes or syncs first, nothing is
// lost, nothing waits for ever, and everybody goes on under an author of their own.
func TestCopiedFile(t *testing.T) {
	ways := map[string]func(*copies){
		"the file alone": func(c *copies) { copyOver(c.t, c.path("original"), c.path("copy")) },
		"the folder":     func(c *copies) { copyFolder(c.t, filepath.Dir(c.path("original")), filepath.Dir(c.path("copy"))) },
	}
	scenes := map[string]func(c *copies, original, copied *fileReplica){
		"both write, then meet the third": func(c *copies, original, copied *fileReplica) {
			if c.write(original, "on the original") == c.write(copied, "on the copy") {
				c.t.Error("both write as one author")
			}
			syncPair(c.t, c.third.Replica, original.Replica)
			syncPair(c.t, c.third.Replica, copied.Replica)
		},
		"the copy syncs before it writes": func(c *copies, original, copied *fileReplica) {
			syncPair(c.t, copied.Replica, c.third.Replica)
			if c.write(original, "on the original") == c.write(copied, "on the copy") {
				c.t.Error("both write as one author")
			}
			syncPair(c.t, c.third.Replica, copied.Replica)
		},
		"they meet each other first": func(c *copies, original, copied *fileReplica) {
			c.write(original, "on the original")
			c.write(copied, "on the copy")
			syncPair(c.t, copied.Replica, original.Replica)
		},
		"the copy only listens": func(c *copies, original, copied *fileReplica) {
			c.write(original, "on the original")
			syncPair(c.t, copied.Replica, original.Replica)
		},
		"the original only listens": func(c *copies, original, copied *fileReplica) {
			c.write(copied, "on the copy")
			syncPair(c.t, original.Replica, copied.Replica)
		},
	}
	for way, copying := range ways {
		for scene, play := range scenes {
			t.Run(way+"/"+scene, func(t *testing.T) {
				t.Parallel()
				c := newCopies(t)
				copying(c)
				original, copied := c.open("original"), c.open("copy")
				play(c, original, copied)
				c.settle(original, copied)
				c.wantNote(copied, "copy")
				if notes := c.notes(original); notes != "" {
					t.Errorf("nothing happened to the original, but its notes say %q", notes)
				}
				c.goOn(original, copied)
			})
		}
	}
}

// A copy of a copy, each with a tail that nobody else has.
func TestCopyOfACopy(t *testing.T) {
	t.Parallel()
	c := newCopies(t)
	copyFolder(t, filepath.Dir(c.path("original")), filepath.Dir(c.path("copy")))
	copied := c.open("copy")
	c.write(copied, "copy's tail")
	closeFile(t, copied)
	copyFolder(t, filepath.Dir(c.path("copy")), filepath.Dir(c.path("second")))
	original, copied, second := c.open("original"), c.open("copy"), c.open("second")
	c.write(second, "second's tail")
	c.write(copied, "copy's next tail")
	syncPair(t, second.Replica, copied.Replica)
	c.settle(original, copied, second)
	c.goOn(original, copied, second)
}

// rolledBack is an original whose file was set back behind the program's back, after the third has seen the rest.
func rolledBack(t *testing.T, restore func(c *copies, saved string)) *copies {
	t.Helper()
	c := newCopies(t)
	saved := filepath.Join(c.dir, "saved.db")
	copyOver(t, c.path("original"), saved)
	copyOver(t, sidecarOf(c.path("original")), sidecarOf(saved))
	original := c.open("original")
	c.write(original, "handed out")
	syncPair(t, original.Replica, c.third.Replica)
	closeFile(t, original)
	restore(c, saved)
	return c
}

func TestRolledBackFile(t *testing.T) {
	restores := map[string]struct {
		restore func(c *copies, saved string)
		note    string
	}{
		"into the same file": {func(c *copies, saved string) { copyOver(c.t, saved, c.path("original")) }, "older"},
		"as another file": {func(c *copies, saved string) {
			if err := os.Rename(saved, c.path("original")); err != nil {
				c.t.Fatal(err)
			}
		}, "copy"},
		"and the sidecar is lost": {func(c *copies, saved string) {
			copyOver(c.t, saved, c.path("original"))
			if err := os.Remove(sidecarOf(c.path("original"))); err != nil {
				c.t.Fatal(err)
			}
		}, "copy"},
		"and the sidecar is torn": {func(c *copies, saved string) {
			copyOver(c.t, saved, c.path("original"))
			if err := os.Truncate(sidecarOf(c.path("original")), 20); err != nil {
				c.t.Fatal(err)
			}
		}, "copy"},
	}
	for name, r := range restores {
		for _, first := range []string{"write", "sync", "backup"} {
			t.Run(name+"/"+first+" first", func(t *testing.T) {
				t.Parallel()
				c := rolledBack(t, r.restore)
				old := c.open("original")
				switch first {
				case "sync":
					syncPair(t, old.Replica, c.third.Replica)
				case "backup":
					if _, err := old.Backup(t.Context(), io.Discard, replica.BackupOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				c.write(old, "after the rollback")
				c.wantNote(old, r.note)
				c.settle(old)
				if status, err := old.Status(t.Context()); err != nil || len(status.Forks) > 0 {
					t.Errorf("there is a fork: %v, %v", status.Forks, err)
				}
				c.goOn(old)
			})
		}
	}
}

// Where the sidecar is set back with the file, nothing can tell, and the author's dots are used twice. The database that
// repeated itself takes another author as soon as it hears of it, and writes what nobody has seen again: no fork is left.
func TestForkByHand(t *testing.T) {
	both := func(c *copies, saved string) {
		copyOver(c.t, saved, c.path("original"))
		copyOver(c.t, sidecarOf(saved), sidecarOf(c.path("original")))
	}
	for _, versions := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(versions, " writes"), func(t *testing.T) {
			t.Parallel()
			c := rolledBack(t, both)
			old := c.open("original")
			for i := range versions {
				c.write(old, fmt.Sprint("repeated ", i))
			}
			for range 2 {
				syncPair(t, old.Replica, c.third.Replica)
			}
			c.settle(old)
			for _, f := range []*fileReplica{old, c.third} {
				status, err := f.Status(t.Context())
				if err != nil || len(status.Forks) != 0 {
					t.Errorf("want no fork, have %v, %v", status.Forks, err)
				}
			}
			if all, err := old.Reissues(t.Context()); err != nil || len(all) != 1 || all[0].Versions != 3*versions || all[0].Why != "fork" {
				t.Errorf("%d versions were to be written again: %v, %v", 3*versions, all, err)
			}
			c.wantNote(old, "copy")
			c.goOn(old)
			fourth := joinedFile(t, c.path("fourth"), c.third.Replica)
			c.goOn(old, fourth)
		})
	}
}

// The same where each branch goes on elsewhere before they meet, in replicas that wrote neither. What waited there for its
// branch is handed on like all else.
func TestForkMeetsLate(t *testing.T) {
	for _, repeated := range []int{1, 3, 6} { // the other branch has three
		t.Run(fmt.Sprint(repeated, " repeated"), func(t *testing.T) {
			t.Parallel()
			c := rolledBack(t, func(c *copies, saved string) {
				copyOver(c.t, saved, c.path("original"))
				copyOver(c.t, sidecarOf(saved), sidecarOf(c.path("original")))
			})
			old := c.open("original")
			for i := range repeated {
				v := wrote(t)(old.Set(t.Context(), "own/repeated", i))
				c.acked[v.ID.String()] = "tail"
			}
			fourth := joinedFile(t, c.path("fourth"), old.Replica)
			syncPair(t, old.Replica, fourth.Replica)
			c.write(fourth, "on top of one branch")
			c.write(c.third, "on top of the other")
			syncPair(t, fourth.Replica, c.third.Replica) // the fork meets where its author is not
			for i, host := range []*fileReplica{c.third, fourth} {
				newcomer := joinedFile(t, c.path(fmt.Sprint("newcomer", i)), host.Replica)
				syncPair(t, newcomer.Replica, host.Replica)
				sameState(t, newcomer.Replica, host.Replica)
			}
			c.write(fourth, "on top of both")
			c.write(old, "unaware")
			syncPair(t, fourth.Replica, c.third.Replica)
			c.settle(old, fourth)
			c.goOn(old, fourth)
		})
	}
}

// Stores without a sidecar cannot tell that they were copied. When the copies meet, also directly, they find out and part:
// one of them writes again what it wrote since.
func TestCopyWithoutSidecar(t *testing.T) {
	replicas, stores := newSpace(t, 2)
	a, third := replicas[0], replicas[1]
	wrote(t)(a.Add(t.Context(), "n/count", 1))
	copied, err := replica.Open(t.Context(), stores[0].(*memory.Store).Clone(), replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	syncPair(t, a, copied) // nothing was written since: both are the same still
	wrote(t)(a.Add(t.Context(), "n/count", 10))
	wrote(t)(copied.Add(t.Context(), "n/count", 100))
	wrote(t)(copied.Set(t.Context(), "n/1", "on the copy"))
	syncPair(t, a, copied)
	authors := map[string]bool{}
	again := 0
	for _, r := range []*replica.Replica{a, copied} {
		status, err := r.Status(t.Context())
		if err != nil || len(status.Forks) != 0 || len(status.Notes) != 2*len(status.Reissues) {
			t.Errorf("want no fork and a note of what was written again, have %v, %v, %v", status.Forks, status.Notes, err)
		}
		again += len(status.Reissues)
		authors[wrote(t)(r.Add(t.Context(), "n/count", 1000)).Author.String()] = true
	}
	if len(authors) != 2 || again != 1 {
		t.Errorf("after they met they write as %d authors, and %d of them wrote again", len(authors), again)
	}
	syncAll(t, a, copied, third)
	sameState(t, a, copied, third)
	if v := valueOf(t, third, "n/count"); v != "2111" {
		t.Errorf("the counter is %s, want 2111", v)
	}
}
