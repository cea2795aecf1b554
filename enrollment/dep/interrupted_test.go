package dep_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// Whatever people assign and unassign meanwhile, however small the pages are and however often the host's process ends
// between two of them: who stores devices and cursor together ends up with what Apple has.
func TestAnyInterruptedListEndsWithWhatAppleHas(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, appletest.Options{Behavior: appletest.Behavior{ProfileEvents: rapid.Bool().Draw(r, "profile events")}})
		var serials []string
		for i := range rapid.IntRange(1, 12).Draw(r, "devices") {
			serials = append(serials, fmt.Sprintf("C%02d", i))
			w.org.AddDevices(appletest.Device{Serial: serials[i]})
		}
		assigned := map[string]bool{}
		change := func() {
			for range rapid.IntRange(0, 4).Draw(r, "changes") {
				serial := rapid.SampledFrom(serials).Draw(r, "serial")
				if assigned[serial] = rapid.Bool().Draw(r, "assign"); assigned[serial] {
					require.NoError(r, w.admin.Assign(w.service, serial))
				} else {
					require.NoError(r, w.admin.Unassign(serial))
					delete(assigned, serial)
				}
			}
		}
		token := w.download(t)
		view := map[string]bool{} // what the host has stored, and
		var stored dep.Page       // where it goes on

		// list ranges until there is no more; now and then the process ends and another begins.
		list := func(pages func(*dep.Client, dep.From) iter.Seq2[dep.Page, error]) {
			for more := true; more; {
				c := w.clientOf(t, abmtoken.Static(token), dep.Options{})
				from := dep.From{Cursor: stored.Cursor, Limit: rapid.IntRange(1, 4).Draw(r, "limit")}
				for page, err := range pages(c, from) {
					require.NoError(r, err)
					for _, d := range dep.Latest(page.Devices) {
						if d.Op == dep.OpDeleted {
							delete(view, d.Serial)
						} else {
							view[d.Serial] = true
						}
					}
					stored, more = page, page.More
					change()
					if rapid.IntRange(0, 2).Draw(r, "the process ends") == 0 {
						break
					}
				}
			}
		}
		change()
		list(func(c *dep.Client, from dep.From) iter.Seq2[dep.Page, error] {
			return c.FetchDevices(t.Context(), from)
		})
		sync := func(c *dep.Client, from dep.From) iter.Seq2[dep.Page, error] { return c.SyncDevices(t.Context(), from) }
		list(sync)
		change = func() {} // the dust settles
		list(sync)
		require.Equal(r, assigned, view)
	})
}
