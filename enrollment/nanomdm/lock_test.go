package nanomdm_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

const (
	deviceCode = "3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4"
	serverCode = "AAAAA-BBBBB-CCCC-DDDD-EEEE-FFFF"
)

func unlock(codes ...string) nanomdm.Unlock {
	u := nanomdm.Unlock{Topic: "com.apple.mgmt.External.x", Organization: "Acme Inc.", Person: "it@acme.example"}
	for _, c := range codes {
		u.Codes = append(u.Codes, abmtoken.NewSecret(c))
	}
	return u
}

func clearer(f *fake, u nanomdm.Unlock, err error) *nanomdm.LockClearer {
	return nanomdm.NewLockClearer(nanomdm.Only(f.server()), "old", func(context.Context, enrollment.TenantID, enrollment.Device) (nanomdm.Unlock, error) {
		return u, err
	})
}

var locked = enrollment.Device{Serial: serial, Product: "iPad14,1"}

// Two codes belong to a device, and nobody knows which one Apple wants: both are tried.
func TestEachCodeIsTriedUntilAppleTakesOne(t *testing.T) {
	f := newFake(t)
	f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		form, err := url.ParseQuery(string(f.got[len(f.got)-1].body))
		assert.NoError(t, err)
		if form.Get("escrowKey") == deviceCode {
			w.WriteHeader(http.StatusNotFound)
		}
		return true
	}
	require.NoError(t, clearer(f, unlock(deviceCode, serverCode), nil).ClearActivationLock(t.Context(), "acme", locked))
	got := f.requests()
	require.Len(t, got, 2)
	form, err := url.ParseQuery(string(got[1].body))
	require.NoError(t, err)
	assert.Equal(t, url.Values{
		"serial": {serial}, "productType": {"iPad14,1"}, "topic": {"com.apple.mgmt.External.x"}, "orgName": {"Acme Inc."},
		"guid": {"it@acme.example"}, "escrowKey": {serverCode},
	}, form)
	assert.Equal(t, "/v1/escrowkeyunlock", got[1].path)
	assert.Empty(t, got[1].query, "a code in a URL would stand in a log")
	assert.Equal(t, "application/x-www-form-urlencoded", got[1].contentType)
}

func TestWhatAppleSaysOfALock(t *testing.T) {
	for what, c := range map[string]struct {
		status int
		body   string
		want   enrollment.Outcome
		is     error
	}{
		"cleared":              {200, "", enrollment.OK, nil},
		"no such device, code": {404, "not found " + deviceCode, enrollment.Fatal, enrollment.ErrNoBypassCode},
		"not NanoMDM's API":    {404, "404 page not found\n", enrollment.Fatal, nanomdm.ErrRefused},
		"malformed":            {400, deviceCode, enrollment.Fatal, nanomdm.ErrRefused},
		"wrong API key":        {401, deviceCode, enrollment.Fatal, nanomdm.ErrKey},
		"later":                {500, deviceCode, enrollment.Retry, nil},
		"no gateway":           {502, "", enrollment.Retry, nil},
	} {
		t.Run(what, func(t *testing.T) {
			f := newFake(t)
			f.says(c.status, c.body)
			err := clearer(f, unlock(deviceCode), nil).ClearActivationLock(t.Context(), "acme", locked)
			outcome, _ := enrollment.Sent(err)
			assert.Equal(t, c.want, outcome, "%v", err)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			assert.NotContains(t, fmt.Sprint(err), deviceCode)
		})
	}
}

func TestWithoutACodeNothingIsAsked(t *testing.T) {
	f := newFake(t)
	none := clearer(f, unlock(), nil)
	require.ErrorIs(t, none.ClearActivationLock(t.Context(), "acme", locked), enrollment.ErrNoBypassCode)
	lock, err := none.ActivationLock(t.Context(), "acme", locked)
	require.NoError(t, err)
	assert.Equal(t, enrollment.ActivationLock{Clearable: enrollment.No}, lock)
	lock, err = clearer(f, unlock(deviceCode), nil).ActivationLock(t.Context(), "acme", locked)
	require.NoError(t, err)
	assert.Equal(t, enrollment.ActivationLock{Clearable: enrollment.Yes}, lock)

	down := errors.New("down")
	_, err = clearer(f, nanomdm.Unlock{}, down).ActivationLock(t.Context(), "acme", locked)
	require.ErrorIs(t, err, down)
	require.ErrorIs(t, clearer(f, nanomdm.Unlock{}, down).ClearActivationLock(t.Context(), "acme", locked), down)

	err = clearer(f, unlock(deviceCode), nil).ClearActivationLock(t.Context(), "acme", enrollment.Device{Serial: serial})
	require.ErrorIs(t, err, nanomdm.ErrRefused, "Apple wants the product")
	assert.Empty(t, f.requests())
}
