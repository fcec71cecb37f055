package replica_test

import (
	"errors"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
)

// film is what an application knows of a film.
type film struct {
	Title string   `json:"title"`
	Year  int      `json:"year"`
	Cast  []string `json:"cast,omitempty"`
}

func TestCollection(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	films := replica.NewCollection[film](p.a, "films")
	v := p.do(films.Set(ctx, "alien", film{Title: "Alien", Year: 1979}))
	p.do(films.Set(ctx, "brazil", film{Title: "Brazil", Year: 1985, Cast: []string{"Pryce"}}))
	p.do(films.Set(ctx, "a/b", film{Title: "Slash"}))
	got, read, err := films.Get(ctx, "alien")
	if err != nil || got.Title != "Alien" || got.Year != 1979 || read.Stamp != v.Stamp {
		t.Errorf("Get: %+v at %s, %v", got, read, err)
	}
	var names []string
	for item, err := range films.All(ctx, replica.After("a/b"), replica.Limit(2)) {
		p.ok(err)
		names = append(names, item.Name+" "+item.Value.Title)
	}
	if len(names) != 2 || names[0] != "alien Alien" || names[1] != "brazil Brazil" {
		t.Errorf("All: %q", names)
	}
	p.do(films.Delete(ctx, "alien"))
	if _, _, err := films.Get(ctx, "alien"); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("after Delete: %v, want ErrNotFound", err)
	}
	p.do(p.a.Set(ctx, "films/c", "no film"))
	seen := 0
	for item, err := range films.All(ctx) {
		if seen++; (err == nil) == (item.Name == "c") {
			t.Errorf("All: %+v, %v", item, err)
		}
	}
	if seen != 3 {
		t.Errorf("All yields %d items, want a/b, brazil and the error", seen)
	}
	if _, _, err := replica.NewCollection[film](p.a, "").Get(ctx, "x"); !errors.Is(err, crdt.ErrKey) {
		t.Errorf("no namespace: %v, want ErrKey", err)
	}
}

// TestCollectionUpdate: what T does not know stays, under every strategy, and what others change at once does under
// fields.
func TestCollectionUpdate(t *testing.T) {
	for _, strategy := range []string{"lww", "fields"} {
		t.Run(strategy, func(t *testing.T) {
			p := newPair(t)
			ctx := t.Context()
			p.strategy("films", strategy)
			films := replica.NewCollection[film](p.a, "films")
			p.do(p.a.Set(ctx, "films/alien", object{"title": "Alien", "year": 1978, "rating": object{"ann": 5}, "cast": []string{"W"}}))
			p.sync()
			v := p.do(films.Update(ctx, "alien", func(f *film) error { f.Year = 1979; f.Cast = nil; return nil }))
			p.shows(p.a, "films/alien", `{"rating":{"ann":5},"title":"Alien","year":1979}`)
			if strategy == "fields" {
				p.do(p.b.Set(ctx, "films/alien", object{"title": "Alien", "year": 1978, "rating": object{"ann": 5, "bob": 4}, "cast": []string{"W"}}))
				p.settled("films/alien", `{"rating":{"ann":5,"bob":4},"title":"Alien","year":1979}`)
			}
			if same := p.do(films.Update(ctx, "alien", func(*film) error { return nil })); !same.IsZero() {
				t.Errorf("an Update that changed nothing made %s", same)
			}
			stop := errors.New("stop")
			for name, c := range map[string]struct{ err, want error }{
				"fn fails":  {errOf(films.Update(ctx, "alien", func(f *film) error { f.Year = 1; return stop })), stop},
				"not there": {errOf(films.Update(ctx, "none", func(*film) error { return nil })), replica.ErrNotFound},
				"not as read": {
					errOf(films.Update(ctx, "alien", func(*film) error { return nil }, replica.IfVersion(replica.Version{}))),
					replica.ErrVersionMismatch,
				},
				"nested": {
					errOf(films.Update(ctx, "alien", func(f *film) error { return errOf(films.Set(ctx, "x", *f)) })),
					replica.ErrNested,
				},
			} {
				if !errors.Is(c.err, c.want) {
					t.Errorf("%s: %v, want %v", name, c.err, c.want)
				}
			}
			if got, _, err := films.Get(ctx, "alien"); err != nil || got.Year != 1979 {
				t.Errorf("after refused updates: %+v, %v (was %s)", got, err, v)
			}
		})
	}
}

// TestCollectionOfScalars: T need not be an object.
func TestCollectionOfScalars(t *testing.T) {
	p := newPair(t)
	numbers := replica.NewCollection[int](p.a, "numbers")
	p.do(numbers.Set(t.Context(), "n", 1))
	p.do(numbers.Update(t.Context(), "n", func(n *int) error { *n += 41; return nil }))
	p.shows(p.a, "numbers/n", `42`)
}
