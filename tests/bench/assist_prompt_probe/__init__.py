"""A probe that a benchmark puts into a Home Assistant of its own; not an integration for anybody's home.

It runs inside Home Assistant, never in a test: the service `assist_prompt_probe.tell` answers with what a
language model would be given there, as Home Assistant's own Ollama integration puts it together.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, SupportsResponse
from homeassistant.helpers import llm
from homeassistant.helpers.template import Template
from voluptuous_openapi import convert

DOMAIN = "assist_prompt_probe"


async def async_setup(hass: HomeAssistant, config: dict[str, Any]) -> bool:
    """Offer the service."""

    async def tell(call: ServiceCall) -> dict[str, Any]:
        context = {
            "platform": DOMAIN,
            "context": call.context,
            "user_prompt": None,
            "language": hass.config.language,
            "assistant": "conversation",
            "device_id": None,
        }
        # Releases differ in what a context has.
        known = {field.name for field in fields(llm.LLMContext)}
        asked = llm.LLMContext(**{key: value for key, value in context.items() if key in known})
        api = await llm.async_get_api(hass, llm.LLM_API_ASSIST, asked)
        front = getattr(llm, "BASE_PROMPT", "") + llm.DEFAULT_INSTRUCTIONS_PROMPT
        rendered = Template(front, hass).async_render(
            {"ha_name": hass.config.location_name, "user_name": None, "llm_context": asked},
            parse_result=False,
        )
        return {
            "front": rendered,
            "api_prompt": api.api_prompt,
            "tools": [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": convert(tool.parameters, custom_serializer=api.custom_serializer),
                }
                for tool in api.tools
            ],
        }

    hass.services.async_register(DOMAIN, "tell", tell, supports_response=SupportsResponse.ONLY)
    return True
