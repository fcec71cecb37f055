package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kdelta/kdelta/replica"
)

type demoCmd struct {
	Keep bool `help:"Keep the two databases, to look around in them."`
}

// films are twenty rows of vega-datasets' movies.json; data/ATTRIBUTION.md says more.
//
//go:embed data/movies.json
var films []byte

// Keys that the play is about.
const (
	demoFilm  = "movies/0001"
	demoNote  = "notes/tonight"
	demoCount = "stats/watched"
	demoSet   = "lists/next"
)

// A demo is the play: two databases, one after the other.
type demo struct {
	*app
	folder        string
	laptop, phone *database
}

func (c *demoCmd) Run(ctx context.Context, a *app) error {
	if a.asJSON {
		return usagef("demo is for people; it has no JSON")
	}
	folder, err := os.MkdirTemp("", "kdelta-demo-*")
	if err != nil {
		return err
	}
	stage := *a
	stage.now = ticking(a.now)
	d := &demo{app: &stage, folder: folder}
	err = d.play(ctx)
	for _, db := range []*database{d.phone, d.laptop} {
		if db != nil {
			err = db.closeAfter(err)
		}
	}
	if c.Keep {
		a.printf("\nThe databases are kept: kdelta --db %s log\n", filepath.Join(folder, "laptop.db"))
		return err
	}
	return errors.Join(err, os.RemoveAll(folder))
}

// ticking is a clock that never shows one millisecond twice: the play has no ties, however fast the machine is.
func ticking(now func() time.Time) func() time.Time {
	var mu sync.Mutex
	var last time.Time
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		last = last.Add(time.Millisecond)
		if t := now(); t.After(last) {
			last = t
		}
		return last
	}
}

func (d *demo) play(ctx context.Context) error {
	for _, act := range []func(context.Context) error{d.pair, d.part, d.meet, d.settle} {
		if err := act(ctx); err != nil {
			return err
		}
		if err := d.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) title(number int, text string) {
	d.printf("%s\n", d.strong(fmt.Sprintf("%d  %s", number, text)))
}

// pair: the laptop imports the films and invites the phone.
func (d *demo) pair(ctx context.Context) (err error) {
	d.title(1, "A laptop imports 20 films and invites a phone")
	if d.laptop, err = d.openDatabase(ctx, filepath.Join(d.folder, "laptop.db"), false); err != nil {
		return err
	}
	if _, err = d.laptop.SetName(ctx, "laptop", ""); err != nil {
		return err
	}
	if _, err = d.laptop.SetSettings(ctx, "movies", replica.Settings{Strategy: "fields"}); err != nil {
		return err
	}
	var records []json.RawMessage
	if err := json.Unmarshal(films, &records); err != nil {
		return err
	}
	rep, err := d.laptop.Import(ctx, func(yield func(string, any) bool) {
		for i, record := range records {
			if !yield(fmt.Sprintf("movies/%04d", i+1), record) {
				return
			}
		}
	}, replica.Message("20 films"))
	if err != nil {
		return err
	}
	d.printf("   laptop  %s in %s, all or none\n", count(rep.Records, "record"), count(rep.Versions, "version"))

	invite, err := d.laptop.Invite(ctx, replica.InviteOptions{Expires: time.Hour})
	if err != nil {
		return err
	}
	if err := d.join(ctx, invite); err != nil {
		return err
	}
	d.printf("   phone   joins with the invite %s\n", shorten(invite, 24))
	return d.sync(ctx)
}

func (d *demo) join(ctx context.Context, invite string) error {
	path := filepath.Join(d.folder, "phone.db")
	st, err := d.openStore(path, false)
	if err != nil {
		return err
	}
	r, err := replica.Join(ctx, st, invite, d.options())
	if err != nil {
		return errors.Join(err, st.Close())
	}
	d.phone = newDatabase(r, st, path)
	_, err = d.phone.SetName(ctx, "phone", "")
	return err
}

// part: both write while neither hears of the other.
func (d *demo) part(ctx context.Context) error {
	d.printf("\n")
	d.title(2, "Both go offline and write")
	said := map[*database][]string{}
	for _, write := range []struct {
		db    *database
		say   string
		write func(*replica.Tx) error
	}{
		{d.laptop, "rates The Matrix 9.0", field("IMDB Rating", 9)},
		{d.laptop, "tonight Fargo", func(tx *replica.Tx) error { return tx.Set(demoNote, "Fargo, at nine") }},
		{d.laptop, "2 films watched", func(tx *replica.Tx) error { return tx.Add(demoCount, 2) }},
		{d.laptop, "next Memento", func(tx *replica.Tx) error { return tx.SetAdd(demoSet, "Memento") }},
		{d.phone, "adds its second director", field("Director", "Lana and Lilly Wachowski")},
		{d.phone, "tonight Gladiator", func(tx *replica.Tx) error { return tx.Set(demoNote, "Gladiator, at eight") }},
		{d.phone, "1 film watched", func(tx *replica.Tx) error { return tx.Add(demoCount, 1) }},
		{d.phone, "next WALL-E", func(tx *replica.Tx) error { return tx.SetAdd(demoSet, "WALL-E") }},
	} {
		if _, err := write.db.Update(ctx, write.write, replica.Message(write.say)); err != nil {
			return err
		}
		said[write.db] = append(said[write.db], write.say)
	}
	d.printf("   laptop  %s\n", strings.Join(said[d.laptop], ", "))
	d.printf("   phone   %s\n", strings.Join(said[d.phone], ", "))
	return nil
}

// field changes one field of the film.
func field(name string, value any) func(*replica.Tx) error {
	return func(tx *replica.Tx) error {
		film := map[string]any{}
		if _, err := tx.Get(demoFilm, &film); err != nil {
			return err
		}
		film[name] = value
		return tx.Set(demoFilm, film)
	}
}

// meet: the two sync, and nobody's write is lost.
func (d *demo) meet(ctx context.Context) error {
	d.printf("\n")
	d.title(3, "They meet again")
	if err := d.sync(ctx); err != nil {
		return err
	}
	if err := d.draw(ctx); err != nil {
		return err
	}
	d.printf("\n")
	var film struct {
		Title, Director string
		Rating          float64 `json:"IMDB Rating"`
	}
	var watched, next, note json.RawMessage
	for key, dst := range map[string]any{demoFilm: &film, demoCount: &watched, demoSet: &next, demoNote: &note} {
		if _, err := d.phone.Get(ctx, key, dst); err != nil {
			return err
		}
	}
	d.printf("   fields  %s: rated %.1f (laptop), directed by %s (phone)\n", film.Title, film.Rating, film.Director)
	d.printf("   counter %s = %s   set %s = %s\n", demoCount, watched, demoSet, next)
	d.printf("   lww     %s = %s; the other one is not lost:\n\n", demoNote, note)
	for conflict, err := range d.phone.Conflicts(ctx, "") {
		if err != nil {
			return err
		}
		d.printConflict(ctx, d.phone, conflict)
	}
	return nil
}

// settle: one resolve closes the conflict on both.
func (d *demo) settle(ctx context.Context) error {
	d.printf("\n")
	d.title(4, "The laptop resolves, both agree")
	var open []replica.Conflict
	for conflict, err := range d.laptop.Conflicts(ctx, "") {
		if err != nil {
			return err
		}
		open = append(open, conflict)
	}
	for _, conflict := range open {
		side := conflict.Others[0].Version
		if _, err := d.laptop.ResolveTake(ctx, conflict.Key, side); err != nil {
			return err
		}
		d.printf("   laptop  kdelta resolve %s --take %s\n", conflict.Key, d.version(d.laptop.versionName(ctx, side)))
	}
	if err := d.sync(ctx); err != nil {
		return err
	}
	return d.printEnd(ctx)
}

// printEnd prints what must be the same on both.
func (d *demo) printEnd(ctx context.Context) error {
	var digests [][32]byte
	for _, db := range []*database{d.laptop, d.phone} {
		st, err := db.Status(ctx)
		if err != nil {
			return err
		}
		var note string
		if _, err := db.Get(ctx, demoNote, &note); err != nil {
			return err
		}
		digests = append(digests, st.StateDigest)
		d.printf("   %-7s tonight %q, %s, %s, state %.8x…\n",
			st.AuthorName, note, count(st.Versions, "version"), count(st.Conflicts, "open conflict"), st.StateDigest)
	}
	if digests[0] != digests[1] {
		return errors.New("the two show different states")
	}
	d.printf("   %s\n", d.good("equal to the byte"))
	return nil
}

func (d *demo) sync(ctx context.Context) error {
	rep, _, err := replica.SyncPair(ctx, d.laptop.Replica, d.phone.Replica)
	if err != nil {
		return err
	}
	if !rep.Equal {
		return errors.New("the two are not equal after a sync")
	}
	d.printf("   sync    laptop sent %s (%s), received %s (%s): %s\n", count(rep.Sent, "version"), byteSize(rep.SentBytes),
		count(rep.Received, "version"), byteSize(rep.ReceivedBytes), d.good("in sync"))
	return nil
}
