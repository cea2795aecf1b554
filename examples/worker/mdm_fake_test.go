package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

const mdmKey = "canary-mdm-api-key"

// answeredOnce is a command that a device has answered long ago.
const answeredOnce = "AAAAAAAA-0000-4000-8000-000000000001"

// fakeNano is a NanoMDM over the MDMs of a world: the API by which wipes come in, with the faults of a network.
type fakeNano struct {
	world *fleet.World
	url   string
	// judge, if given, says what is wrong about a wipe that arrives.
	judge func(tenant enrollment.TenantID, serial string) string

	mu     sync.Mutex
	faulty bool
	wipes  map[string][]string // commands that were queued, by UDID
	asked  int                 // requests for wipes
	wrong  []string
}

var commandUUID = regexp.MustCompile(`<key>CommandUUID</key>\s*<string>([^<]+)</string>`)

func newFakeNano(t testing.TB, world *fleet.World) *fakeNano {
	t.Helper()
	f := &fakeNano{world: world, wipes: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /{tenant}/{mdm}/v1/enqueue/{udid}", f.enqueue)
	mux.HandleFunc("PUT /{tenant}/{mdm}/v1/push/{udid}", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"status": map[string]any{r.PathValue("udid"): map[string]string{}}})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fakeNano) fail(faulty bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faulty = faulty
}

// chance decides about a fault.
func (f *fakeNano) chance(percent int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faulty && rand.IntN(100) < percent
}

func (f *fakeNano) enqueue(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	if _, key, _ := r.BasicAuth(); key != mdmKey {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	udid, found := r.PathValue("udid"), commandUUID.FindSubmatch(body)
	if found == nil {
		http.Error(w, "no command", http.StatusBadRequest)
		return
	}
	command := string(found[1])
	answer := map[string]any{"status": map[string]any{udid: map[string]string{}}, "command_uuid": command, "request_type": "EraseDevice"}
	if command == answeredOnce {
		answer["command_error"] = "command already exists: " + command
		_ = json.NewEncoder(w).Encode(answer)
		return
	}
	if f.chance(15) { // it breaks before anything was done
		panic(http.ErrAbortHandler)
	}
	if text := f.queue(enrollment.TenantID(r.PathValue("tenant")), enrollment.MDMID(r.PathValue("mdm")), udid, command); text != "" {
		answer["command_error"] = text
	}
	if f.chance(15) { // it breaks after it was done
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// queue hands a wipe to the MDM, and writes down that it came.
func (f *fakeNano) queue(tenant enrollment.TenantID, mdm enrollment.MDMID, udid, command string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	ports := f.world.Ports()
	order := enrollment.Wipe{Tenant: tenant, MDM: mdm, Command: command, Device: enrollment.Device{UDID: udid}, NotAfter: time.Unix(1<<40, 0)}
	_, err := ports.Wipe(context.Background(), order, enrollment.PIN{})
	switch {
	case err == nil:
		f.wipes[udid] = append(f.wipes[udid], command)
		if f.judge != nil {
			if what := f.judge(tenant, udid); what != "" {
				f.wrong = append(f.wrong, what)
			}
		}
		return ""
	case errors.Is(err, enrollment.ErrRepeated):
		return "command already exists: " + command
	}
	return err.Error()
}

// file is the JSON that connects MDMs.
func (f *fakeNano) file(t testing.TB, s *stage, tenants ...enrollment.TenantID) string {
	t.Helper()
	require.NoError(t, os.WriteFile(s.path("mdm.key"), []byte(mdmKey+"\n"), 0o600))
	require.NoError(t, os.WriteFile(s.path("hook.key"), []byte("canary-webhook-key\n"), 0o600))
	var all []mdmConnection
	for _, tenant := range tenants {
		for _, mdm := range []enrollment.MDMID{"old", "new"} {
			all = append(all, mdmConnection{
				Tenant: tenant, MDM: mdm, URL: fmt.Sprintf("%s/%s/%s", f.url, tenant, mdm), Answered: answeredOnce,
				KeyFile: s.path("mdm.key"), WebhookKey: s.path("hook.key"),
			})
		}
	}
	text, err := json.Marshal(all)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.path("mdms.json"), text, 0o600))
	return s.path("mdms.json")
}
