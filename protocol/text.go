package protocol

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// clean makes a text from anywhere safe to print and to send: valid UTF-8, nothing that does not print (control
// characters, marks that turn the direction of a line), at most limit bytes. What is taken out, and
// spaces beside it, become one space.
func clean(text string, limit int) string {
	var b strings.Builder
	gap := false
	for _, r := range text {
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		if r == utf8.RuneError || r == ' ' || !strconv.IsPrint(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			if b.Len()+1+utf8.RuneLen(r) > limit {
				break
			}
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// validName reports whether name may be told as the name of a strategy.
func validName(name string) bool {
	return name != "" && len(name) <= MaxStrategyName && clean(name, MaxStrategyName) == name
}
