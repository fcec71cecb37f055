package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

type Note struct{ Title string }

// readmeExample is what the README shows between its two marks, to the letter.
func readmeExample(ctx context.Context) (note Note, past replica.Reader, err error) {
	err = func() error {
		// README begins
		st, err := sqlite.Open("notes.db") // or memory.New()
		if err != nil {
			return err
		}
		defer st.Close()
		r, err := replica.Open(ctx, st, replica.Options{})
		if err != nil {
			return err
		}
		defer r.Close()

		v, err := r.Set(ctx, "notes/1", Note{Title: "Milk"}) // one key, one version, durable on return
		if err != nil {
			return err
		}
		_, err = r.Get(ctx, "notes/1", &note) // replica.ErrNotFound where there is none
		past = r.At(v)                        // the same reads, as it was then
		// README ends
		return err
	}()
	return note, past, err
}

func TestREADMEExample(t *testing.T) {
	source, err := os.ReadFile("readme_example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(source), "// README begins\n")
	example, _, _ = strings.Cut(example, "\t\t// README ends")
	example = strings.ReplaceAll("\n"+example, "\n\t\t", "\n")
	if !strings.Contains(string(readme), "```go"+example+"```") {
		t.Errorf("the README's example is not this one:%s", example)
	}
	t.Chdir(t.TempDir())
	note, past, err := readmeExample(t.Context())
	if err != nil || note.Title != "Milk" || past == nil {
		t.Errorf("%v, %v, %v", note, past, err)
	}
}
