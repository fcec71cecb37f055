package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A step is one command of the README with the output shown below it.
type step struct {
	command string
	output  []string
}

// readmeSteps are the commands of all fenced console blocks, in order.
func readmeSteps(t *testing.T, path string) (steps []step) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case inside && isCommand:
			steps = append(steps, step{command: command})
		case inside && len(steps) > 0:
			last := &steps[len(steps)-1]
			last.output = append(last.output, line)
		}
	}
	return steps
}

// What differs from run to run: authors, ids, times, sizes, secrets, scratch folders.
var volatile = []struct {
	is   *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`kdelta1[a-z2-7]+`), "INVITE"},
	{regexp.MustCompile(`\b[a-z2-7]{8}@`), "AUTHOR@"},
	{regexp.MustCompile(`^[a-z2-7]{8}  `), "AUTHOR  "},
	{regexp.MustCompile(`\b(space|as) [a-z2-7]{8}\b`), "$1 ID"},
	{regexp.MustCompile(`\bstate [0-9a-f]{8,64}\b`), "state DIGEST"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)? [kM]?B\b`), "SIZE"},
	{regexp.MustCompile(`/\S*/kdelta-demo-\d+`), "FOLDER"},
}

func steady(line string) string {
	for _, v := range volatile {
		line = v.is.ReplaceAllString(line, v.name)
	}
	return strings.TrimRight(line, " ")
}

// TestREADME runs what the README tells people to run, in its order, and compares what it shows. A line "…" stands for
// any number of lines.
func TestREADME(t *testing.T) {
	for _, page := range []string{"../../README.md", "../../doc/cli.md"} {
		t.Run(page, func(t *testing.T) {
			steps := readmeSteps(t, page)
			if len(steps) == 0 {
				t.Fatal("no console blocks")
			}
			folder := t.TempDir()
			t.Setenv("XDG_DATA_HOME", folder+"/data")
			t.Setenv("TZ", "UTC")
			for _, s := range steps {
				command := strings.Replace(s.command, "go run ./cmd/kdelta", "kdelta", 1)
				if testing.Short() && strings.HasPrefix(command, "go ") {
					continue // it builds the command
				}
				cmd := exec.Command("bash", "-c", command)
				cmd.Dir = folder
				if strings.HasPrefix(command, "go ") {
					cmd.Dir = "../.."
					cmd.Env = append(os.Environ(), "GOBIN="+folder)
				}
				got, err := cmd.CombinedOutput()
				if err != nil && !strings.Contains(s.command, "|| echo") {
					t.Errorf("$ %s\n%s%v", s.command, got, err)
				}
				compareOutput(t, s, string(got))
			}
		})
	}
}

func compareOutput(t *testing.T, s step, got string) {
	t.Helper()
	var want, have []string
	for _, line := range s.output {
		want = append(want, steady(line))
	}
	for line := range strings.Lines(got) {
		have = append(have, steady(strings.TrimSuffix(line, "\n")))
	}
	for len(want) > 0 && want[len(want)-1] == "" {
		want = want[:len(want)-1]
	}
	if !matches(want, have) {
		t.Errorf("$ %s\nthe page shows\n%s\nthe command prints\n%s", s.command, strings.Join(s.output, "\n"), got)
	}
}

// matches compares lines, "…" standing for any number of them.
func matches(want, have []string) bool {
	i := slices.Index(want, "…")
	if i < 0 {
		return slices.Equal(want, have)
	}
	if len(have) < i || !slices.Equal(want[:i], have[:i]) {
		return false
	}
	for skip := i; skip <= len(have); skip++ {
		if matches(want[i+1:], have[skip:]) {
			return true
		}
	}
	return false
}
