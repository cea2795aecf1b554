package portal

import "time"

// The documents. Apple's guides bear no date; theirs is the day on which they were read.
var (
	appleBusinessLink = Source{
		Publisher: "Apple", Title: "Link to an external device management service in Apple Business",
		URL: "https://support.apple.com/guide/business/axm1c1be359d/web", Date: day(2026, time.September, 15),
	}
	appleSchoolRoles = Source{
		Publisher: "Apple", Title: "Migrate devices to a new management service in Apple School Manager",
		URL: "https://support.apple.com/guide/apple-school-manager/axm3a49a769d/web", Date: day(2026, time.September, 15),
	}
	intune2026 = Source{
		Publisher: "Microsoft", Title: "Set up a macOS ADE token in Intune",
		URL: "https://learn.microsoft.com/mem/intune/enrollment/", Date: day(2026, time.April, 15),
	}
	cortado2026 = Source{
		Publisher: "Cortado", Title: "How to renew your ADE certificate token for a new public key",
		URL: "https://support.cortado.com/en/support/solutions/articles/43000778010", Date: day(2026, time.September, 15),
	}
	nsight2025 = Source{
		Publisher: "N-able", Title: "Renew an ABM server token (N-sight RMM)",
		URL: "https://documentation.n-able.com/remote-management/userguide/Content/dma/renew-abm-token.htm",
		// The page bears no date; it was read in September 2026 and shows the portal as it was until April 2026.
		Date: day(2026, time.September, 15),
	}
	intune2024 = Source{
		Publisher: "Microsoft", Title: "Set up automated device enrollment (ADE) for iOS/iPadOS",
		URL: "https://learn.microsoft.com/mem/intune/enrollment/device-enrollment-program-enroll-ios", Date: day(2024, time.September, 19),
	}
	ncentral2024 = Source{
		Publisher: "N-able", Title: "Renew an ABM server token (N-central)",
		URL:  "https://documentation.n-able.com/N-central/userguide/Content/dma/renew-abm-token.htm",
		Date: day(2024, time.July, 8),
	}
)

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
