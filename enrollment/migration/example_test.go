package migration_test

import (
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

func ExampleDecide() {
	decision := migration.Decide(migration.Facts{
		Device:     enrollment.Device{Serial: "C02XL0GSJGH5", Family: enrollment.FamilyMac},
		Apple:      enrollment.AssignedDevice{Capable: enrollment.Yes},
		MDMChanges: true,
	}, migration.Limits{Wish: migration.Auto})
	fmt.Printf("%s: %s\n", decision.Strategy, decision.Reasons[0].Text())
	// Output: migrate: Apple says that it can change its MDM without an erase
}
