package sightings_test

import (
	"context"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
	"github.com/abmrenew/abmrenew/examples/internal/sightings"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

func ExampleNew() {
	ctx, store := context.Background(), memory.New(nil)
	sealer, err := seal.New(store, seal.MemoryKeyring(), seal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	listening := sightings.New(store, sealer, "sighting") // the Sightings of a nanomdm.Webhook
	seen := nanomdm.Sighting{DeviceFacts: enrollment.DeviceFacts{
		MDM: "old", Device: enrollment.Device{UDID: "U1", Serial: "C02A"}, LastSeen: time.Now(),
	}}
	if _, _, err := listening.Saw(ctx, "acme", seen); err != nil {
		fmt.Println(err)
		return
	}
	wiping := sightings.New(store, sealer, "sighting") // of a nanomdm.Reader, in another process
	found, err := wiping.Sighting(ctx, "acme", "old", enrollment.Device{Serial: "C02A"})
	fmt.Println(found.UDID, err)
	// Output: U1 <nil>
}
