package replica_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

// check ends an example that fails.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// must is the value of a call that succeeds.
func must[T any](v T, err error) T {
	check(err)
	return v
}

// tickingWall is a clock for examples: an hour passes each time it is looked at.
type tickingWall struct{ ms atomic.Int64 }

func (w *tickingWall) Now() int64 { return w.ms.Add(time.Hour.Milliseconds()) }

// devices are two replicas of one space with a clock of their own; on real devices each is a file of its own.
func devices(strategies ...crdt.Strategy) (laptop, phone *replica.Replica, wall *tickingWall) {
	ctx := context.Background()
	wall = &tickingWall{}
	wall.ms.Store(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	opts := replica.Options{Wall: wall, Strategies: strategies}
	laptop = must(replica.Open(ctx, memory.New(), opts))
	invite := must(laptop.Invite(ctx, replica.InviteOptions{}))
	phone = must(replica.Join(ctx, memory.New(), invite, opts))
	return laptop, phone, wall
}

func syncBoth(a, b *replica.Replica) {
	_, _, err := replica.SyncPair(context.Background(), a, b)
	check(err)
}

func Example() {
	ctx := context.Background()
	laptop, err := replica.Open(ctx, memory.New(), replica.Options{}) // or sqlite.Open("notes.db")
	check(err)
	invite, err := laptop.Invite(ctx, replica.InviteOptions{})
	check(err)
	phone, err := replica.Join(ctx, memory.New(), invite, replica.Options{})
	check(err)

	_, err = laptop.Set(ctx, "notes/milk", map[string]any{"text": "Buy milk", "done": false})
	check(err)
	_, err = phone.Add(ctx, "stats/notes", 1) // both work offline
	check(err)
	_, _, err = replica.SyncPair(ctx, laptop, phone)
	check(err)

	for row, err := range phone.List(ctx, "") {
		check(err)
		fmt.Println(row.Key, string(row.Value))
	}
	// Output:
	// notes/milk {"done":false,"text":"Buy milk"}
	// stats/notes 1
}

// What is in a database file is there when it is opened again, by one process or by several at once.
func ExampleOpen() {
	ctx := context.Background()
	dir := must(os.MkdirTemp("", "notes"))
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "notes.db")

	st := must(sqlite.Open(file))
	r := must(replica.Open(ctx, st, replica.Options{}))
	must(r.Set(ctx, "notes/1", "Buy milk"))
	check(r.Close())
	check(st.Close())

	st = must(sqlite.Open(file))
	r = must(replica.Open(ctx, st, replica.Options{}))
	var note string
	must(r.Get(ctx, "notes/1", &note))
	fmt.Println(note)
	check(r.Close())
	check(st.Close())
	// Output: Buy milk
}

// IfVersion writes only over what was read.
func ExampleIfVersion() {
	ctx := context.Background()
	r := must(replica.Open(ctx, memory.New(), replica.Options{}))
	must(r.Set(ctx, "notes/1", "draft", replica.IfVersion(replica.Version{}))) // only if there is none yet
	var note string
	v := must(r.Get(ctx, "notes/1", &note))
	must(r.Set(ctx, "notes/1", "somebody else's"))

	_, err := r.Set(ctx, "notes/1", note+", revised", replica.IfVersion(v))
	fmt.Println(errors.Is(err, replica.ErrVersionMismatch))
	// Output: true
}

// Two devices write one text offline; both stay.
func ExampleReplica_Text() {
	ctx := context.Background()
	laptop, phone, _ := devices()
	draft := laptop.Text("notes/draft")
	check(draft.Insert(ctx, 0, "We meet at noon"))
	syncBoth(laptop, phone) // commits what was typed

	check(draft.Splice(ctx, 11, 4, "eight"))
	check(phone.Text("notes/draft").Insert(ctx, 15, ", by the lake"))
	syncBoth(laptop, phone)
	fmt.Println(must(draft.String(ctx)))

	lines := must(laptop.Blame(ctx, "notes/draft"))
	for _, line := range lines {
		fmt.Println(string(line.Value), line.Version.Author == lines[0].Version.Author)
	}
	// Output:
	// We meet at eight, by the lake
	// "We meet at " true
	// "eight" true
	// ", by the lake" false
}

// Two devices change one list offline: what is moved here and replaced there is one item still.
func ExampleReplica_Array() {
	ctx := context.Background()
	laptop, phone, _ := devices()
	todo := laptop.Array("lists/todo")
	check(todo.Insert(ctx, 0, "bread", "milk", "eggs"))
	syncBoth(laptop, phone) // commits what was done

	check(todo.Move(ctx, 2, 0))
	check(phone.Array("lists/todo").Replace(ctx, 2, "a dozen eggs"))
	syncBoth(laptop, phone)

	var items []string
	check(todo.Items(ctx, &items))
	fmt.Printf("%q\n", items)
	// Output: ["a dozen eggs" "bread" "milk"]
}

func ExampleReplica_Update() {
	ctx := context.Background()
	r := must(replica.Open(ctx, memory.New(), replica.Options{}))
	must(r.Set(ctx, "accounts/ann", 100))
	must(r.Set(ctx, "accounts/bob", 20))

	transfer := func(amount int) error {
		_, err := r.Update(ctx, func(tx *replica.Tx) error {
			var ann, bob int
			if _, err := tx.Get("accounts/ann", &ann); err != nil {
				return err
			}
			if _, err := tx.Get("accounts/bob", &bob); err != nil {
				return err
			}
			if ann < amount {
				return errors.New("ann has not that much")
			}
			return errors.Join(tx.Set("accounts/ann", ann-amount), tx.Set("accounts/bob", bob+amount))
		}, replica.Message("transfer"))
		return err
	}
	fmt.Println(transfer(70))
	fmt.Println(transfer(70))
	for row, err := range r.List(ctx, "accounts/") {
		check(err)
		fmt.Println(row.Key, string(row.Value))
	}
	// Output:
	// <nil>
	// ann has not that much
	// accounts/ann 30
	// accounts/bob 90
}

// Under `fields`, Set with From writes what the caller changed of what it had read, and nothing else.
func ExampleFrom() {
	ctx := context.Background()
	r := must(replica.Open(ctx, memory.New(), replica.Options{}))
	must(r.SetSettings(ctx, "films", replica.Settings{Strategy: "fields"}))
	must(r.Set(ctx, "films/alien", map[string]any{"title": "Alien", "year": 1978}))

	var read map[string]any
	v := must(r.Get(ctx, "films/alien", &read))
	must(r.Set(ctx, "films/alien", map[string]any{"title": "Alien!", "year": 1978})) // somebody else meanwhile
	read["year"] = 1979
	must(r.Set(ctx, "films/alien", read, replica.From(v)))

	fmt.Println(string(must(r.Doc(ctx, "films/alien")).Value))
	// Output: {"title":"Alien!","year":1979}
}

func ExampleReplica_At() {
	ctx := context.Background()
	r, _, wall := devices()
	first := must(r.Set(ctx, "notes/1", "draft"))
	must(r.Tag(ctx, "sent", nil))
	must(r.Set(ctx, "notes/1", "final"))
	must(r.Delete(ctx, "notes/1"))

	for _, text := range []string{first.String(), "sent", time.UnixMilli(wall.ms.Load()).Add(-30 * time.Minute).UTC().Format(time.RFC3339)} {
		var note string
		must(r.At(must(r.ParsePoint(ctx, text))).Get(ctx, "notes/1", &note))
		fmt.Println(note)
	}
	_, err := r.Get(ctx, "notes/1", nil)
	fmt.Println(err)
	// Output:
	// draft
	// draft
	// final
	// not found: notes/1
}

func ExampleReplica_Log() {
	ctx := context.Background()
	r, _, _ := devices()
	must(r.Set(ctx, "notes/1", "draft"))
	must(r.Set(ctx, "other/1", "not asked for"))
	must(r.Set(ctx, "notes/1", "final", replica.Message("for Ann")))
	must(r.Delete(ctx, "notes/1"))
	for entry, err := range r.Log(ctx, "notes/1") {
		check(err)
		for _, op := range entry.Ops {
			fmt.Printf("%d %s %s %q\n", entry.Seq, op.Op, op.Value, entry.Message)
		}
	}
	// Output:
	// 4 delete  ""
	// 3 put "final" "for Ann"
	// 1 put "draft" ""
}

func ExampleReplica_Conflicts() {
	ctx := context.Background()
	laptop, phone, _ := devices()
	must(laptop.Set(ctx, "notes/1", "Milk"))
	syncBoth(laptop, phone)
	must(phone.Set(ctx, "notes/1", "Oat milk"))
	must(laptop.Set(ctx, "notes/1", "Soy milk"))
	syncBoth(laptop, phone)

	for c, err := range phone.Conflicts(ctx, "") {
		check(err)
		fmt.Printf("%s was %s, is %s, lost %s (%s)\n", c.Key, c.Base, c.Chosen.Value, c.Others[0].Value, c.Why)
	}
	must(phone.Resolve(ctx, "notes/1", "Oat and soy milk"))
	syncBoth(laptop, phone)
	for c, err := range laptop.Conflicts(ctx, "", replica.ConflictQuery{All: true}) {
		check(err)
		fmt.Println(c.Key, c.Status)
	}
	// Output:
	// notes/1 was "Milk", is "Soy milk", lost "Oat milk" (lww/1: later time)
	// notes/1 resolved
}

// ResolveTake settles on a side of a conflict that is not shown.
func ExampleReplica_ResolveTake() {
	ctx := context.Background()
	laptop, phone, _ := devices()
	must(phone.Set(ctx, "notes/1", "Oat milk"))
	must(laptop.Set(ctx, "notes/1", "Soy milk"))
	syncBoth(laptop, phone)

	var open []replica.Conflict
	for c, err := range laptop.Conflicts(ctx, "notes/") {
		check(err)
		open = append(open, c)
	}
	for _, c := range open {
		must(laptop.ResolveTake(ctx, c.Key, c.Others[0].Version))
	}
	fmt.Println(string(must(laptop.Doc(ctx, "notes/1")).Value))
	// Output: "Oat milk"
}

func ExampleSyncPair() {
	ctx := context.Background()
	a, b, _ := devices()
	must(a.SetAdd(ctx, "lists/shopping", []any{"milk", "bread"}))
	syncBoth(a, b)
	must(a.SetRemove(ctx, "lists/shopping", []any{"milk"}))
	must(b.SetAdd(ctx, "lists/shopping", []any{"eggs"}))
	ra, rb, err := replica.SyncPair(ctx, a, b)
	check(err)
	fmt.Println("sent", ra.Sent, "received", ra.Received, "equal", ra.Equal && rb.Equal)
	fmt.Println(string(must(a.Doc(ctx, "lists/shopping")).Value))
	// Output:
	// sent 1 received 1 equal true
	// ["bread","eggs"]
}

func ExampleReplica_Watch() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	laptop, phone, _ := devices()
	events := laptop.Watch(ctx, "notes/") // from now on

	must(phone.Set(ctx, "notes/1", "from the phone"))
	syncBoth(laptop, phone)
	must(laptop.Set(ctx, "other/1", "not watched"))
	must(laptop.Set(ctx, "notes/2", "from here"))
	check(laptop.Close()) // ends the loop, after what happened before

	for e, err := range events {
		check(err)
		for _, change := range e.Changes {
			fmt.Println(change.Key, string(change.Value), "remote:", e.Remote)
		}
	}
	// Output:
	// notes/1 "from the phone" remote: true
	// notes/2 "from here" remote: false
}

func ExampleReplica_Diff() {
	ctx := context.Background()
	r := must(replica.Open(ctx, memory.New(), replica.Options{}))
	must(r.Set(ctx, "films/alien", map[string]any{"title": "Alien", "year": 1978}))
	must(r.Set(ctx, "films/alien", map[string]any{"title": "Alien", "year": 1979, "cast": []string{"Weaver"}}))
	changes := must(r.Diff(ctx, "films/alien", nil, nil))
	for _, c := range changes {
		fmt.Printf("%s: %s -> %s\n", c.Path, c.Old, c.New)
	}
	fmt.Println(string(must(replica.Patch(changes))))
	// Output:
	// /cast:  -> ["Weaver"]
	// /year: 1978 -> 1979
	// [{"op":"add","path":"/cast","value":["Weaver"]},{"op":"replace","path":"/year","value":1979}]
}

// What a loop shows is JSON, in which bytes have a form of their own: Decode reads it into a type of the application's.
func ExampleDecode() {
	type picture struct {
		Title string
		Data  []byte
	}
	ctx := context.Background()
	r := must(replica.Open(ctx, memory.New(), replica.Options{}))
	must(r.Set(ctx, "pictures/1", picture{"Oslo", []byte("png")}))
	for row, err := range r.List(ctx, "pictures/") {
		check(err)
		var p picture
		check(replica.Decode(row.Value, &p))
		fmt.Println(string(row.Value), p.Title, string(p.Data))
		var n int
		err = replica.Decode(row.Value, &n)
		fmt.Println(errors.Is(err, replica.ErrMismatch))
	}
	_, err := r.Get(ctx, "pictures/1", new(int))
	fmt.Println(err)
	fmt.Println(replica.Decode(nil, new(picture))) // as in the Change of a delete
	// Output:
	// {"Data":{"$bytes":"cG5n"},"Title":"Oslo"} Oslo png
	// true
	// pictures/1: msgpack: at the top: found a map for int: value does not fit the Go type
	// not found
}

func ExampleReplica_Undo() {
	ctx := context.Background()
	r := must(replica.Open(ctx, memory.New(), replica.Options{}))
	must(r.Set(ctx, "notes/1", "kept"))
	must(r.Delete(ctx, "notes/1"))
	must(r.Undo(ctx))
	fmt.Println(string(must(r.Doc(ctx, "notes/1")).Value))
	// Output: "kept"
}

func ExampleCollection() {
	type film struct {
		Title string `json:"title"`
		Year  int    `json:"year"`
	}
	ctx := context.Background()
	r := must(replica.Open(ctx, memory.New(), replica.Options{}))
	// A newer version of the application wrote a member that this one does not know.
	must(r.Set(ctx, "films/alien", map[string]any{"title": "Alien", "year": 1978, "rating": 9}))

	films := replica.NewCollection[film](r, "films")
	must(films.Update(ctx, "alien", func(f *film) error {
		f.Year = 1979
		return nil
	}))
	fmt.Println(string(must(r.Doc(ctx, "films/alien")).Value))
	// Output: {"rating":9,"title":"Alien","year":1979}
}

// lengthStrategy is an application's own strategy: of several texts it shows the longest.
type lengthStrategy struct{}

func (lengthStrategy) Name() string { return "longest/1" }

func (lengthStrategy) Resolve(c crdt.Siblings) (crdt.Value, error) {
	var best crdt.Value
	var most int
	for _, s := range c.Values {
		text, ok := s.Value.AsString()
		if !ok {
			return nil, errors.New("longest is for texts") // the key then shows the last write
		}
		if len(text) >= most {
			best, most = s.Value, len(text)
		}
	}
	return best, nil
}

// An application's strategy is registered on each replica, and chosen for a namespace once.
func ExampleOptions_strategies() {
	ctx := context.Background()
	laptop, phone, _ := devices(lengthStrategy{})
	must(laptop.SetSettings(ctx, "notes", replica.Settings{Strategy: "longest"}))
	syncBoth(laptop, phone)
	must(laptop.Set(ctx, "notes/1", "a long text about milk"))
	must(phone.Set(ctx, "notes/1", "milk"))
	syncBoth(laptop, phone)
	doc := must(phone.Doc(ctx, "notes/1"))
	fmt.Println(string(doc.Value), "by", doc.Strategy, "with", doc.Conflicts, "conflict")
	// Output: "a long text about milk" by longest/1 with 1 conflict
}
