package axm

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

const (
	maxLogURL     = 8 << 10
	maxLogColumns = 64
)

// LogRow is what Apple wrote down about one device of an activity.
type LogRow struct {
	Serial string
	// Status and Reason are Apple's words, or empty. Apple does not document the columns of the log: they are found by their
	// names. Columns has all of them, by name.
	Status, Reason string
	Columns        map[string]string
}

// ErrNoLog says that there is no log of the activity: it has not completed, or Apple does not say where.
var ErrNoLog = errors.New("axm: there is no log of the activity")

// ActivityLog reads the log of an activity row by row, as it comes. The log is on another host than the API, which is checked
// and gets no bearer token; its address is signed, and is never part of an error. An error ends the rows; those before are
// not all.
func (c *Client) ActivityLog(ctx context.Context, a Activity) iter.Seq2[LogRow, error] {
	return func(yield func(LogRow, error) bool) {
		if !a.HasLog() {
			yield(LogRow{}, ErrNoLog)
			return
		}
		to, err := c.service.logURL(a.log.Reveal())
		if err != nil {
			yield(LogRow{}, err)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, c.service.timeout)
		defer cancel()
		const op = "GET log of activity"
		hide := secrets{to.String(), to.RequestURI(), to.RawQuery}
		res, err := c.service.open(ctx, request{op: op, method: http.MethodGet, to: to, hide: hide})
		if err != nil {
			yield(LogRow{}, err)
			return
		}
		defer res.Body.Close() //nolint:errcheck // read, or not wanted
		body := &bounded{from: res.Body, left: c.service.maxLog}
		for row, err := range readLog(body) {
			switch {
			case err == nil:
			case body.failed != nil:
				err = newSilence(op, body.failed, hide)
			case body.left < 0:
				err = fmt.Errorf("%w: %s: larger than %d bytes", ErrAnswer, op, c.service.maxLog)
			default:
				err = fmt.Errorf("%w: %s: %w", ErrAnswer, op, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// logURL checks the address of a log: https to Apple's host, or under Loopback at the API's.
func (s *service) logURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.User != nil, u.Opaque != "":
	case u.Scheme == "https" && u.Host == LogHost, s.loopback && u.Scheme == s.base.Scheme && u.Host == s.base.Host:
		return u, nil
	}
	return nil, fmt.Errorf("%w: Apple's answer says that the log of the activity is somewhere else", ErrAddress)
}

// bounded reads no more than it is allowed, and remembers what failed.
type bounded struct {
	from   io.Reader
	left   int64 // negative: there was more
	failed error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = err
	}
	return n, err
}

var (
	errNoSerials = errors.New("it has no column of serial numbers")
	errRow       = errors.New("it is no CSV as documented (RFC 4180)")
)

// readLog reads a log; its columns are found by their names.
func readLog(from io.Reader) iter.Seq2[LogRow, error] {
	return func(yield func(LogRow, error) bool) {
		r := csv.NewReader(from)
		r.FieldsPerRecord, r.ReuseRecord = -1, true
		first, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || len(first) > maxLogColumns {
			yield(LogRow{}, errRow)
			return
		}
		names := make([]string, len(first))
		for i, name := range first {
			names[i] = untrusted.Clean(strings.TrimPrefix(name, "\ufeff"), 128)
		}
		serial, status, reason := column(names, "serial"), column(names, "status", "result", "outcome"), column(names, "error", "reason", "message")
		if serial < 0 {
			yield(LogRow{}, errNoSerials)
			return
		}
		for {
			fields, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil || len(fields) > maxLogColumns {
				yield(LogRow{}, errRow)
				return
			}
			row := LogRow{Columns: make(map[string]string, len(names))}
			for i, field := range fields[:min(len(fields), len(names))] {
				field = untrusted.Clean(field, untrusted.MaxText)
				row.Columns[names[i]] = field
				switch i {
				case serial:
					row.Serial = untrusted.Text(field).ID()
				case status:
					row.Status = field
				case reason:
					row.Reason = field
				}
			}
			if row.Serial == "" {
				continue // a line about no device
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// column finds the first column whose name has one of these words; -1: none.
func column(names []string, words ...string) int {
	for _, word := range words {
		for i, name := range names {
			if strings.Contains(strings.ToLower(name), word) {
				return i
			}
		}
	}
	return -1
}
