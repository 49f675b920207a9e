"""Tests of the Stripe guard."""
