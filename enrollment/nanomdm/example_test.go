package nanomdm_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

func Example() {
	nano := &fake{t: &testing.T{}, queued: map[string]string{}} // stands for NanoMDM here
	listening := httptest.NewServer(nano)
	defer listening.Close()
	now := func() time.Time { return start }

	server, err := nanomdm.NewServer(nanomdm.Options{BaseURL: listening.URL, APIKey: abmtoken.NewSecret(apiKey), Now: now})
	if err != nil {
		fmt.Println(err)
		return
	}
	dispatcher := nanomdm.NewDispatcher(nanomdm.Only(server), nil)
	sightings := nanomdm.NewMemorySightings(0)
	webhook, err := nanomdm.NewWebhook(nanomdm.WebhookConfig{
		MDM: "old", Tenant: "acme", Key: abmtoken.NewSecret(hmacKey), Sightings: sightings, Server: server, Now: now,
		Deliver: func(_ context.Context, e enrollment.DeviceEvent) error {
			fmt.Println(e.Serial, e.Kind)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	// The device enrolls, so that its enrollment ID and model are known.
	post(webhook, authenticate(start).body(nano.t))
	post(webhook, tokenUpdate(start.Add(time.Second), 1).body(nano.t))
	facts, err := nanomdm.NewReader(sightings, now).DeviceFacts(context.Background(), "acme", "old", enrollment.Device{Serial: serial})
	fmt.Println(facts.Product, "managed:", facts.Managed, err)

	// Months later it is wiped, once.
	order := enrollment.Wipe{
		Command: command, Tenant: "acme", MDM: "old", Device: facts.Device,
		Options: enrollment.SafeWipe(facts.Device, false), NotAfter: now().Add(30 * time.Second),
	}
	for range 2 {
		status, err := dispatcher.Wipe(context.Background(), order, enrollment.PIN{})
		fmt.Println(status.State, err)
	}
	post(webhook, connect(start.Add(time.Minute), "Acknowledged", command).body(nano.t))
	can, err := dispatcher.WipeAbilities(context.Background(), "acme", "old")
	fmt.Println("refuses repeats:", can.RefusesRepeats, err)

	// Output:
	// C02MT66KFLHH authenticated
	// C02MT66KFLHH enrolled
	// iPad14,1 managed: yes <nil>
	// queued <nil>
	//  nanomdm: enrollment: a command with this UUID was sent before, so it was not sent again
	// C02MT66KFLHH wipe_answered
	// refuses repeats: true <nil>
}
