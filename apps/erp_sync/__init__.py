"""Carries the floor's facts to the ERP and the ERP's orders to the floor."""
