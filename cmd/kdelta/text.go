package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// hazardous reports whether r could move the cursor, change the terminal's state or reorder what stands around it: control
// characters (C0, DEL, C1) and the bidirectional overrides and isolates.
func hazardous(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// packageNames are what packages put in front of the errors that they name, which is for whoever reads the log of a program.
var packageNames = regexp.MustCompile(
	`(^|: |; )(?:(?:canon|crdt|history|identity|noise|pack|protocol|sequence|sqlite|store|transport|ws): )+`)

// errorText is an error as people are told it: on one line, without the names of packages. Where it is several errors they
// stand one behind the other, each once.
func errorText(err error) string { return plainText(err.Error()) }

func plainText(text string) string {
	var said []string
	for line := range strings.Lines(text) {
		line = packageNames.ReplaceAllString(strings.TrimSuffix(line, "\n"), "$1")
		if line != "" && !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return strings.Join(said, "; ")
}

// printable is s fit for one line of a terminal: what is hazardous is written as \u001b, invalid UTF-8 as \xff.
func printable(s string) string {
	clean := true
	for _, r := range s {
		if hazardous(r) || r == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t':
			b.WriteString(strconv.QuoteRune(r)[1:3])
		case hazardous(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// quoted is s as one word of any shell that completion knows.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// plainWord takes longer to compile than a read takes, and few commands print what is to be typed.
var plainWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[\pL\pN_/.,:@%+][\pL\pN_/.,:@%+=-]*$`)
})

// shellWord is s as it can be typed in a shell, quoted where it has to be.
func shellWord(s string) string {
	if plainWord().MatchString(s) {
		return s
	}
	return quoted(s)
}

// terminalJSON escapes inside a JSON text what JSON allows in its strings and a terminal would obey. Line breaks, which
// stand between tokens, stay.
func terminalJSON(text []byte) []byte {
	if !bytes.ContainsFunc(text, func(r rune) bool { return hazardous(r) && r != '\n' }) {
		return text
	}
	out := make([]byte, 0, len(text)+16)
	for _, r := range string(text) {
		if hazardous(r) && r != '\n' {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// compactJSON is v on one line, with <, > and & as they are.
func compactJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// indentJSON is a JSON text over several lines; what is no JSON stays as it is.
func indentJSON(text []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return text
	}
	return b.Bytes()
}

// shorten cuts s to width columns, with an ellipsis; width 0 does not cut. It counts runes, which is right for most
// text and never wrong by more than a ragged edge.
func shorten(s string, width int) string {
	if width <= 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// byteSize is n bytes for a person: 999 B, 1.2 kB, 3.4 MB.
func byteSize(n int64) string {
	const units = "kMGTP"
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	size, unit := float64(n), -1
	for size >= 999.95 && unit < len(units)-1 {
		size /= 1000
		unit++
	}
	return strconv.FormatFloat(size, 'f', 1, 64) + " " + units[unit:unit+1] + "B"
}

// count is "1 version", "2 versions".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// jsonTime is how all JSON output writes a moment.
const jsonTime = "2006-01-02T15:04:05.000Z07:00"

func timeJSON(t time.Time) string { return t.UTC().Format(jsonTime) }

// timeHuman is a moment in the person's own time zone.
func timeHuman(t time.Time) string { return t.Local().Format(time.DateTime) }

// parseSpan reads a length of time: Go's form ("90s", "1h30m"), or whole days and weeks ("7d", "2w").
func parseSpan(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			n, err := strconv.ParseUint(number, 10, 16)
			if err != nil {
				return 0, usagef("%q is no length of time: write 90s, 1h, 7d or 2w", text)
			}
			return time.Duration(n) * unit, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, usagef("%q is no length of time: write 90s, 1h, 7d or 2w", text)
	}
	return d, nil
}

// columns is how wide s is on a terminal once it is printable.
func columns(s string) int { return utf8.RuneCountInString(printable(s)) }

// padded fills up painted, which shows plain, to width columns.
func padded(painted, plain string, width int) string {
	return painted + strings.Repeat(" ", max(0, width-columns(plain)))
}
