package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/replica"
)

// maxStdin bounds a value on standard input. A version takes 1 MiB of canonical bytes; the JSON text of as much may be
// a few times longer with its white space and escapes.
const maxStdin = 8 << 20

// parseValue reads a VALUE argument as canonical JSON text; "-" stands for standard input. What is no JSON, or would
// not be stored without loss, is refused here, before anything is opened.
func (a *app) parseValue(ctx context.Context, arg string) (json.RawMessage, error) {
	text, where := []byte(arg), "VALUE"
	if arg == "-" {
		var err error
		if text, err = readBounded(ctx, a.stdin, maxStdin); err != nil {
			return nil, err
		}
		text, where = bytes.TrimPrefix(text, []byte(byteOrderMark)), "standard input"
		if len(bytes.TrimSpace(text)) == 0 { // as of a command in front of the pipe that failed
			return nil, fmt.Errorf("%w: standard input is empty; a VALUE is expected there", errInput)
		}
	}
	v, err := canon.FromJSON(text)
	if err != nil {
		return nil, valueError(where, string(text), err)
	}
	return v.AppendJSON(nil), nil
}

// valueError says what is wrong with a value; that an argument is one is the person's mistake, that a stream is one may
// be anybody's.
func valueError(where, text string, err error) error {
	advice := ""
	if where == "VALUE" && errors.Is(err, canon.ErrJSON) && !strings.ContainsAny(text, `"{}[]`) {
		advice = "; write text as " + quoted(strconv.Quote(shorten(strings.TrimSpace(text), 40)))
	}
	kind := errInput
	if where == "VALUE" {
		kind = errUsage
	}
	return &sayError{kind: kind, cause: fmt.Errorf("%s: %w%s", where, err, advice)}
}

// parseValues is parseValue for several; standard input can be one of them only.
func (a *app) parseValues(ctx context.Context, args []string) ([]any, error) {
	if first := slices.Index(args, "-"); first >= 0 && slices.Contains(args[first+1:], "-") {
		return nil, usagef(`standard input ("-") can be read once only`)
	}
	values := make([]any, 0, len(args))
	for _, arg := range args {
		v, err := a.parseValue(ctx, arg)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// checkKey refuses what cannot be a person's key.
func checkKey(key string) error {
	if err := crdt.CheckKey(key); err != nil {
		return &sayError{kind: err, cause: errors.New(keyComplaint(err))}
	}
	return checkReserved(key)
}

// checkNamespace refuses what cannot be a person's namespace.
func checkNamespace(ns string) error {
	if strings.Contains(ns, "/") {
		return usagef("%q is no namespace: a namespace holds no slash", shorten(ns, 60))
	}
	if err := crdt.CheckKey(ns + "/x"); err != nil {
		return usagef("namespace %q: %s", shorten(ns, 60), keyComplaint(err))
	}
	return checkReserved(ns)
}

// keyComplaint is what crdt.CheckKey has to say, without what kind of error it is in front.
func keyComplaint(err error) string {
	_, what, _ := strings.Cut(err.Error(), crdt.ErrKey.Error()+": ")
	return what
}

// keysOf is what the keys of a namespace start with; none stands for all.
func keysOf(ns string) (prefix string, err error) {
	if ns == "" {
		return "", nil
	}
	return ns + "/", checkNamespace(ns)
}

func checkReserved(name string) error {
	if strings.HasPrefix(name, ".") {
		return fmt.Errorf("%q: %w", shorten(name, 60), replica.ErrReserved)
	}
	return nil
}

// checkStrategy refuses a merge strategy that nobody knows.
func checkStrategy(name string) error {
	registry, err := crdt.NewRegistry()
	if err != nil {
		return err
	}
	if _, known := registry.Lookup(name); !known {
		return usagef("%w %q; there are %s", replica.ErrUnknownStrategy, shorten(name, 60), strings.Join(registry.Names(), ", "))
	}
	return nil
}
