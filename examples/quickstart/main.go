// Command quickstart renews a server token end to end, after a look at the push certificate: against the fake Apple, on a store file in a temporary folder, with
// two crashes on the way. It needs no network and no setup, and leaves nothing behind.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if err := quickstart(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// quickstart tells the whole story to w.
func quickstart(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp("", "abmrenew-quickstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &story{w: w, calendar: &calendar{now: time.Now()}, path: filepath.Join(dir, "store.db")}
	s.customer()
	for _, chapter := range []func(context.Context) error{
		s.firstToken, s.yearPasses, s.push, s.certificate, s.wrongFile, s.upload, s.activation, s.lookBack,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return s.close()
}
